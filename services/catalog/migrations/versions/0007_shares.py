"""Whose jobs go next; jobs that are due are found by collection."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("queue", sa.String(31), primary_key=True),
        sa.Column("collection", sa.String(63), primary_key=True),
        sa.Column("turn", sa.BigInteger, nullable=False),
    )
    op.drop_index("jobs_by_state", "jobs")
    op.create_index("jobs_by_state", "jobs", ["state", "queue", "collection", "created", "segment"])


def downgrade() -> None:
    op.drop_index("jobs_by_state", "jobs")
    op.create_index("jobs_by_state", "jobs", ["state", "queue", "created"])
    op.drop_table("shares")
