"""Webhooks, and their messages."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("collection", sa.String(63), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
    )
    op.create_index("webhooks_of_collection", "webhooks", ["collection", "created"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("webhook", sa.String(63), nullable=False),
        sa.Column("event", sa.String(31), nullable=False),
        sa.Column("video", sa.String(160), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["webhook"], ["webhooks.id"], ondelete="CASCADE"),
    )
    op.create_index("deliveries_due", "deliveries", ["state", "not_before"])
    op.create_index("deliveries_of_webhook", "deliveries", ["webhook", "created", "id"])


def downgrade() -> None:
    op.drop_table("deliveries")
    op.drop_table("webhooks")
