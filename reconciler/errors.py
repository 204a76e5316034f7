"""PURE. Every error this program raises on purpose, split by what its reader can do.

Each carries the exit code that ends a command. The command line reports every other exception as well: an OSError by
the system's message, a bug by its place in the code.
A failed step of an apply is not here: it is a value, an outcome.
"""

from collections.abc import Sequence
from typing import ClassVar

from reconciler.model.diagnostic import Finding


class ReconcilerError(Exception):
    """Base of all. `message` says what is wrong, `hint` what to do next; `exit_code` ends the command."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ReconcilerError):
    """The command was called the wrong way: call it another way."""

    exit_code = 64


class ProjectError(ReconcilerError):
    """No project, or a file of it cannot be read or written: mend the project."""


class UnfitFile(ProjectError):
    """Something that is no regular file of the project stands where one is read or written: put the file there."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding


class InvalidManifests(ReconcilerError):
    """Manifests or settings with errors: mend them at the places named."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        errors = sum(finding.severity == "error" for finding in findings)
        super().__init__(f"{errors} error{'s' if errors != 1 else ''} in the manifests")
        self.findings = tuple(findings)


class EditError(ReconcilerError):
    """A manifest's text cannot be edited as asked without touching more: edit it by hand at the places named."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{findings[0]}{more}")
        self.findings = tuple(findings)


class CredentialsError(ReconcilerError):
    """The vendor does not accept the credentials, or there are none: mend the environment."""


class ApiError(ReconcilerError):
    """The API could not be reached or did not answer in time: try again later."""


class ApiRejected(ApiError):
    """The API refused a read: mend what it names."""


class UnreadableAnswer(ApiError):
    """The API answered something that is no answer. Nothing is concluded from it, and nothing written."""


class DoubtfulRead(ApiError):
    """An answer that contradicts what the ledger knows (a list without owned resources): look before going on."""


class StoreError(ReconcilerError):
    """Ledger, journal or lock cannot be read or written: mend the store."""


class WrongAccount(ReconcilerError):
    """Settings, ledger, journal and live account do not belong together: mend what names the wrong one."""


class PlanUnusable(ReconcilerError):
    """A plan document that this program, publisher or API cannot run: make a new one."""


class StalePlan(ReconcilerError):
    """The account or manifests have changed since a saved plan was made: make a new one."""

    exit_code = 4


class LockHeld(ReconcilerError):
    """Another run is at work: wait for it."""

    exit_code = 5


class Refused(ReconcilerError):
    """A safety limit or policy forbids it; the hint names the switch that would allow it."""

    exit_code = 6


class Interrupted(ReconcilerError):
    """The user asked to stop; calls in flight were finished and recorded first."""

    exit_code = 130


def os_reason(error: Exception) -> str:
    """Why the system refused, in its own words: without the number and the path that Python puts around an OSError."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
