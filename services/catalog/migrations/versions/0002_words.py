"""Labels of a collection; of a video the edited transcript and the labels that its info says."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Columns are added and dropped in place: in a batch, SQLite would drop the table, and with it what refers to it.
    op.add_column("collections", sa.Column("shot_labels", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("collections", sa.Column("relabel", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("videos", sa.Column("transcript_key", sa.Text, nullable=False, server_default=""))
    op.add_column("videos", sa.Column("shot_labels", sa.JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("videos", "shot_labels")
    op.drop_column("videos", "transcript_key")
    op.drop_column("collections", "relabel")
    op.drop_column("collections", "shot_labels")
