"""Markdown that fits into a comment: what no longer fits is left out whole, and counted at the end."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

LIMIT: Final = 65_536
"""Characters that GitHub takes in a comment."""
FOR_THE_END: Final = 1_000
"""Characters kept for saying what was cut."""


@dataclass(slots=True)
class Cut:
    """Collects pieces of Markdown up to the limit."""

    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _left: dict[str, int] = field(default_factory=dict)

    def add(self, piece: str) -> bool:
        """Keep a piece if it fits; whether it did."""
        if not self.has_room(piece):
            return False
        self._pieces.append(piece)
        self._length += len(piece)
        return True

    def has_room(self, piece: str) -> bool:
        """Whether a piece would fit."""
        return self._length + len(piece) <= LIMIT - FOR_THE_END

    def add_all(self, pieces: Iterable[str], what: str, end: str = "") -> None:
        """Keep pieces in order until one does not fit with the end that has to follow; the others are counted."""
        full = False
        for piece in pieces:
            full = full or not self.has_room(piece + end)
            if full:
                self.leave(1, what)
            else:
                self.add(piece)

    def leave(self, number: int, what: str) -> None:
        """Count what was left out elsewhere."""
        if number:
            self._left[what] = self._left.get(what, 0) + number

    def text(self) -> str:
        """All that was kept, and what was not."""
        if not self._left:
            return "".join(self._pieces)
        told = ", ".join(f"{number:,} {what}" for what, number in self._left.items())
        return f"{''.join(self._pieces)}\n*Left out, as a comment takes {LIMIT:,} characters: {told}.*\n"
