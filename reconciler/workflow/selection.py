"""What part of an account a run looks at, and how. Apart from what carries it out, which takes longer to import."""

from dataclasses import dataclass

from reconciler.errors import ProjectError
from reconciler.model.habits import UNKNOWN_HABITS, AccountHabits


@dataclass(frozen=True, slots=True)
class Selection:
    """What part of an account a run looks at (`only`: address patterns), and how.

    `habits` are what earlier runs have found out of the account's updates.
    """

    only: tuple[str, ...] = ()
    parallelism: int = 8
    recreate: bool = False
    overwrite_drift: bool = False
    hold_conflicts: bool = False
    habits: AccountHabits = UNKNOWN_HABITS


def nothing_selected(selection: Selection) -> ProjectError:
    """The error for a selection that matches nothing."""
    patterns = " ".join(selection.only)
    return ProjectError(f"--only {patterns}: no address matches", hint="`reconciler validate` and `plan` show them")
