"""EDGE. The store in PostgreSQL, shared by all runners. The libraries it needs are imported on first use."""

from typing import TYPE_CHECKING, Final

from reconciler.errors import StoreError
from reconciler.installed import how_to_add
from reconciler.model.secret import Secret
from reconciler.ports import Clock

if TYPE_CHECKING:
    from reconciler.store.postgres.store import PostgresStore

SCHEMES: Final = ("postgresql://", "postgres://")


def open_store(url: Secret, publisher_id: str, api: str, clock: Clock) -> "PostgresStore":
    """The store of one publisher at one API, in the database that the URL names; nothing is connected yet.

    Raises `StoreError` for a URL that is none, and where the libraries are not installed.
    """
    try:
        from reconciler.store.postgres.database import Database  # noqa: PLC0415 - an extra that few installations have
        from reconciler.store.postgres.store import PostgresStore  # noqa: PLC0415
    except ImportError as missing:
        lacking = StoreError(
            f"a store in PostgreSQL needs libraries that are not installed ({missing.name or missing})",
            hint=how_to_add("postgres"),
        )
    else:
        return PostgresStore(Database(url), publisher_id, api, clock)
    raise lacking
