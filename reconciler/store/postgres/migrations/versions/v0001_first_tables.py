"""The first tables: projects, their ledger, their journal."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON

revision = "0001"
down_revision = None

SCHEMA = "reconciler"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "project",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("publisher_id", sa.Text, nullable=False),
        sa.Column("api", sa.Text, nullable=False),
        sa.Column("run", sa.Text),
        sa.Column("who", JSON),
        sa.Column("since", MOMENT),
        sa.Column("backend", sa.Integer),
        schema=SCHEMA,
    )
    op.create_index("project_name", "project", ["publisher_id", "api"], unique=True, schema=SCHEMA)
    op.create_table(
        "ledger",
        sa.Column("project", sa.Integer, sa.ForeignKey(f"{SCHEMA}.project.id"), primary_key=True),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("entry", JSON, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "journal",
        sa.Column("project", sa.Integer, sa.ForeignKey(f"{SCHEMA}.project.id"), primary_key=True),
        sa.Column("sequence", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("event", JSON, nullable=False),
        schema=SCHEMA,
    )


def downgrade() -> None:
    """There is nothing to go back to."""
