"""Of a video, where its indexing belongs in a trace."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("videos", sa.Column("trace", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("videos", "trace")
