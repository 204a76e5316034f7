"""What is installed with an extra only, and how to say that it is missing."""

from importlib.util import find_spec
from typing import Final

from reconciler.errors import ProjectError
from reconciler.installed import how_to_add

_FLOORS: Final = ("duckdb", "ibis", "pyarrow")


def require_floors() -> None:
    """Raises `ProjectError` where what reads reports is not installed. Imports nothing."""
    _require(_FLOORS, "floors")


def require_spark() -> None:
    """The same for Spark."""
    _require((*_FLOORS, "pyspark"), "spark")


def _require(names: tuple[str, ...], extra: str) -> None:
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ProjectError(
            f"reports are read with {', '.join(missing)}: not installed",
            hint=how_to_add(extra),
        )
