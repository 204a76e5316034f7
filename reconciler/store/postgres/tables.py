"""The tables, as the program uses them; `migrations/` makes them."""

import hashlib
from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, Integer, LargeBinary, MetaData, Table
from sqlalchemy import Text as Words
from sqlalchemy.dialects.postgresql import JSON

from reconciler.model.address import Address

SCHEMA: Final = "reconciler"
VERSION_TABLE: Final = "schema_version"
VERSIONS: Final = ("0001",)
"""Every version of the tables that this program knows, the last one being its own."""

metadata: Final = MetaData(schema=SCHEMA)

project: Final = Table(
    "project",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("publisher_id", Words, nullable=False),
    Column("api", Words, nullable=False),
    Column("run", Words),
    Column("who", JSON),
    Column("since", DateTime(timezone=True)),
    Column("backend", Integer),
    Index("project_name", "publisher_id", "api", unique=True),
)
"""Whom rows belong to. `run`, `who`, `since` and `backend` are of the last run that took the project's lock."""

ledger: Final = Table(
    "ledger",
    metadata,
    Column("project", ForeignKey(project.c.id), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("address", Words, nullable=False),
    Column("entry", JSON, nullable=False),
    Column("run", Words, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
)
"""An entry for each owned resource. `entry` is what counts; `address`, `run` and `updated_at` are for people."""

journal: Final = Table(
    "journal",
    metadata,
    Column("project", ForeignKey(project.c.id), primary_key=True),
    Column("sequence", BigInteger, Identity(), primary_key=True),
    Column("run", Words, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("event", JSON, nullable=False),
)
"""What was done, in the order of `sequence`. Rows are only ever added."""


def digest(address: Address) -> bytes:
    """The key of an address: a name may be longer than an index takes, and hold what a text column does not."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).digest()
