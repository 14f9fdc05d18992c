"""Uploads under way, counted over all gateways."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "upload_places",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("collection", sa.String(63), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )
    op.create_index("upload_places_of_collection", "upload_places", ["collection"])


def downgrade() -> None:
    op.drop_table("upload_places")
