"""What an adoption starts from, a project and an account, and what comes together while apps are looked at."""

from dataclasses import dataclass, field
from datetime import datetime

from reconciler.diff.change import FieldChange, Note
from reconciler.manifest.checked_edits import ProjectContext
from reconciler.model.address import Address
from reconciler.model.desired import DesiredState
from reconciler.model.diagnostic import Finding
from reconciler.model.journal import NO_CREATES, PastCreates
from reconciler.model.ledger import Ledger
from reconciler.model.live import LiveResource, LiveState
from reconciler.yaml.text import ManifestText


@dataclass(frozen=True, slots=True)
class Declared:
    """A project as it stands: its manifests, without errors, and what they declare.

    `taken` names the files, manifests or not, beside which new ones would stand; `has_schemas` says that editors find
    the format in the project. `doubts` are warnings that there may be more manifests than were read, and `unread` the
    files among what they name that look like manifests.
    """

    context: ProjectContext
    manifests: tuple[ManifestText, ...]
    state: DesiredState
    taken: frozenset[str] = frozenset()
    has_schemas: bool = False
    doubts: tuple[Finding, ...] = ()
    unread: tuple[ManifestText, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """What was read: all apps, and the placements of those that are to be adopted. `now` is in UTC.

    `past` is what the journal says of creates. `theirs`: what is live is taken where the manifest has moved, too.
    """

    live: LiveState
    ledger: Ledger
    now: datetime
    whole: bool = True
    past: PastCreates = NO_CREATES
    theirs: bool = False

    @property
    def chosen(self) -> tuple[LiveResource, ...]:
        """The apps to be adopted."""
        return tuple(app for app in self.live.apps if app.id in self.live.placements)


@dataclass(slots=True)
class AdoptionDraft:
    """What comes together while apps are looked at one after another."""

    texts: dict[str, ManifestText]
    new: set[str] = field(default_factory=set)
    added: list[Address] = field(default_factory=list)
    changes: list[tuple[Address, FieldChange]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    held: list[Finding] = field(default_factory=list)
