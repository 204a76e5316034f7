"""What was read once and comes again by the thousand: an account has many values, and few that differ."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any


class Known(dict[Any, Any]):
    """What values were read as, up to so many. Equal keys are one value: mind that True == 1."""

    def __init__(self, read: Callable[[Any], Any], most: int) -> None:
        super().__init__()
        self._read, self._most = read, most

    def __missing__(self, raw: Any) -> Any:
        value = self._read(raw)
        if len(self) < self._most:
            self[raw] = value
        return value


def of_texts(read: Callable[[Iterable[Any]], tuple[str, ...]]) -> Callable[[list[Any]], tuple[str, ...]]:
    """The same over a list, read once for all lists that say it in these words. Texts alone, as 1 == True."""
    known = lru_cache(maxsize=1024)(read)

    def once(raw: list[Any]) -> tuple[str, ...]:
        return known(tuple(raw)) if all(type(part) is str for part in raw) else read(raw)

    return once
