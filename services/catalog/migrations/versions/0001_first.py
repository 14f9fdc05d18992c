"""Collections, videos, jobs, uploads, tombstones."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
    )
    op.create_table(
        "videos",
        sa.Column("collection", sa.String(63), primary_key=True),
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("ready", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("copy", sa.String(63), nullable=False),
        sa.Column("info_key", sa.Text, nullable=False),
        sa.Column("subtitles_key", sa.Text, nullable=False),
        sa.Column("subtitles_name", sa.String(255), nullable=False),
        sa.Column("duration", sa.BigInteger, nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.Column("error_stage", sa.String(63), nullable=False),
        sa.Column("error_reason", sa.String(63), nullable=False),
        sa.Column("error_message", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["collection"], ["collections.id"]),
        sa.UniqueConstraint("collection", "sha256", "copy", name="one_video_for_the_same_bytes"),
    )
    op.create_index("videos_by_age", "videos", ["collection", "created", "id"])
    op.create_index("videos_by_state", "videos", ["state"])
    op.create_table(
        "jobs",
        sa.Column("collection", sa.String(63), primary_key=True),
        sa.Column("video", sa.String(63), primary_key=True),
        sa.Column("step", sa.String(63), primary_key=True),
        sa.Column("segment", sa.Integer, primary_key=True),
        sa.Column("queue", sa.String(31), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("again", sa.Boolean, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("sent", sa.BigInteger, nullable=False),
        sa.Column("alive", sa.BigInteger, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.Column("busy", sa.BigInteger, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sa.Column("artifacts", sa.JSON, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("reason", sa.String(63), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["collection", "video"], ["videos.collection", "videos.id"], ondelete="CASCADE"),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "queue", "created"])
    op.create_table(
        "uploads",
        sa.Column("collection", sa.String(63), primary_key=True),
        sa.Column("request_id", sa.String(128), primary_key=True),
        sa.Column("planned", sa.String(63), nullable=False),
        sa.Column("announced", sa.String(96), nullable=False),
        sa.Column("video", sa.String(63), nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "tombstones",
        sa.Column("collection", sa.String(63), primary_key=True),
        sa.Column("video", sa.String(63), primary_key=True),
        sa.Column("removed", sa.BigInteger, nullable=False),
        sa.Column("sweeps", sa.Integer, nullable=False),
        sa.Column("next_sweep", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("tombstones", "uploads", "jobs", "videos", "collections"):
        op.drop_table(table)
