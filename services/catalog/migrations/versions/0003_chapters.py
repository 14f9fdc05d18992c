"""Of a video, the chapters that a person set."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("videos", sa.Column("chapters_key", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("videos", "chapters_key")
