"""What the account holds: resources as they are, and for servers whose reads lag, as they were."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.address import Kind


@dataclass(frozen=True, slots=True)
class Stored:
    """An app or placement as the account holds it. `created` is in seconds since the epoch, 0 where it was seeded."""

    kind: Kind
    id: str
    fields: Mapping[str, Any]
    app_id: str | None = None
    created: float = 0.0


class Past:
    """What resources were before they were changed or deleted, in memory alone.

    `span` is for how many seconds that is kept; 0 keeps nothing. Not safe to share without a lock.
    """

    def __init__(self) -> None:
        self.span = 0.0
        self._versions: dict[tuple[Kind, str], list[tuple[float, Stored]]] = {}
        self._ended: dict[tuple[Kind, str], tuple[float, Stored]] = {}

    def changed(self, now: float, was: Stored) -> None:
        """Until now a resource was as given."""
        if self.span:
            versions = self._versions.setdefault((was.kind, was.id), [])
            versions.append((now, was))
            while versions[0][0] <= now - self.span:
                del versions[0]

    def ended(self, now: float, was: Stored) -> None:
        """The resource is deleted now, and was as given until then."""
        if self.span:
            self.changed(now, was)
            self._ended[was.kind, was.id] = now, was

    def as_of(self, moment: float, current: Stored) -> Stored:
        """What a resource was at a moment; one that is younger, as it was made."""
        versions = self._versions.get((current.kind, current.id), ())
        return next((was for until, was in versions if until > moment), current)

    def listed(self, moment: float, current: Iterable[Stored], belongs: Callable[[Stored], bool]) -> list[Stored]:
        """A list as it was at a moment, by id: what is in it now, and what belongs there and was deleted since."""
        gone = [was for at, was in self._ended.values() if at > moment and belongs(was)]
        return sorted((self.as_of(moment, each) for each in (*current, *gone)), key=lambda each: int(each.id))

    def clear(self) -> None:
        """Forget all of it."""
        self._versions.clear()
        self._ended.clear()
