"""Secrets that cannot be printed by accident."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential. Only `reveal` returns its text; `str` and `repr` do not."""

    _text: str

    def reveal(self) -> str:
        """The text itself, for the code that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__
