"""Many threads, few commits: while one commits, those who come wait, and one of them commits for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition
from typing import Generic, TypeVar

from reconciler.errors import StoreError

Record = TypeVar("Record")


@dataclass(slots=True, eq=False)
class _Ticket(Generic[Record]):
    record: Record
    committed: bool = False


class GroupCommit(Generic[Record]):
    """Commits records in the order they come. After the first failure it takes none: nobody knows what was kept."""

    def __init__(self, commit: Callable[[Sequence[Record]], None]) -> None:
        self._commit = commit
        self._waiting: list[_Ticket[Record]] = []
        self._turn = Condition()
        self._busy = False
        self._lost: StoreError | None = None

    def add(self, record: Record) -> None:
        """Return when the record is committed. Raises `StoreError`."""
        ticket = _Ticket(record)
        with self._turn:
            self._waiting.append(ticket)
            while self._busy and not ticket.committed:
                self._turn.wait()
            group = self._next_group(ticket)
        if group:
            self._commit_group(group)
        if not ticket.committed and self._lost is not None:
            raise StoreError(self._lost.message, hint=self._lost.hint)

    def _next_group(self, ticket: _Ticket[Record]) -> list[_Ticket[Record]]:
        """All who wait, where it is this ticket's turn to commit for them."""
        if ticket.committed or self._lost is not None:
            return []
        group, self._waiting = self._waiting, []
        self._busy = True
        return group

    def _commit_group(self, group: Sequence[_Ticket[Record]]) -> None:
        lost: StoreError | None = StoreError("the record of the run was broken off")
        try:
            self._commit([ticket.record for ticket in group])
            lost = None
        except StoreError as wrong:
            lost = wrong
        finally:
            with self._turn:
                for ticket in group:
                    ticket.committed = lost is None
                self._lost, self._busy = lost, False
                self._turn.notify_all()
