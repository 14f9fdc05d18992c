"""What collections may have."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("collection", sa.String(63), primary_key=True),
        sa.Column("videos", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.BigInteger, nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("uploads", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("quotas")
