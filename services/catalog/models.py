"""Tables. Times are integer nanoseconds since the epoch; 0 means "not yet". States are those of `states`."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of all tables."""


class Collection(Base):
    """A tenant's set of videos."""

    __tablename__ = "collections"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    created: Mapped[int] = mapped_column(BigInteger)
    request_id: Mapped[str] = mapped_column(String(128), default="")
    shot_labels: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Looked for in every shot of its videos."""
    relabel: Mapped[bool] = mapped_column(Boolean, default=False)
    """Some of its videos have not been told its labels yet."""


class Video(Base):
    """A video and its state as a whole."""

    __tablename__ = "videos"
    __table_args__ = (
        ForeignKeyConstraint(["collection"], ["collections.id"]),
        UniqueConstraint("collection", "sha256", "copy", name="one_video_for_the_same_bytes"),
        Index("videos_by_age", "collection", "created", "id"),
        Index("videos_by_state", "state"),
    )

    collection: Mapped[str] = mapped_column(String(63), primary_key=True)
    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    title: Mapped[str] = mapped_column(String(500))
    labels: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(16))
    created: Mapped[int] = mapped_column(BigInteger)
    updated: Mapped[int] = mapped_column(BigInteger)
    ready: Mapped[int] = mapped_column(BigInteger, default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    copy: Mapped[str] = mapped_column(String(63), default="")
    """Empty, or the video's own id where the same bytes were wanted twice."""
    info_key: Mapped[str] = mapped_column(Text)
    subtitles_key: Mapped[str] = mapped_column(Text, default="")
    subtitles_name: Mapped[str] = mapped_column(String(255), default="")
    transcript_key: Mapped[str] = mapped_column(Text, default="")
    """Object key of the transcript that a person put in."""
    shot_labels: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Those of its collection, as its info says them."""
    chapters_key: Mapped[str] = mapped_column(Text, default="")
    """Object key of the chapters that a person set."""
    trace: Mapped[str] = mapped_column(String(64), default="")
    """Where its indexing belongs in a trace: the W3C traceparent of the call that brought it, or empty."""
    duration: Mapped[int] = mapped_column(BigInteger, default=0)
    row_count: Mapped[int] = mapped_column(BigInteger, default=0)
    error_stage: Mapped[str] = mapped_column(String(63), default="")
    error_reason: Mapped[str] = mapped_column(String(63), default="")
    error_message: Mapped[str] = mapped_column(Text, default="")


class Job(Base):
    """One unit of work of a video: a step, on one segment or on the whole video (-1)."""

    __tablename__ = "jobs"
    __table_args__ = (
        ForeignKeyConstraint(["collection", "video"], ["videos.collection", "videos.id"], ondelete="CASCADE"),
        Index("jobs_by_state", "state", "queue", "collection", "created", "segment"),
    )

    collection: Mapped[str] = mapped_column(String(63), primary_key=True)
    video: Mapped[str] = mapped_column(String(63), primary_key=True)
    step: Mapped[str] = mapped_column(String(63), primary_key=True)
    segment: Mapped[int] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(String(31))
    state: Mapped[str] = mapped_column(String(16))
    created: Mapped[int] = mapped_column(BigInteger)
    """When the video was added: older videos go first."""
    attempt: Mapped[int] = mapped_column(default=0)
    """Grows with every sending, so that a late report of an earlier one is told apart."""
    tries: Mapped[int] = mapped_column(default=0)
    """Failed attempts since a person last asked; bounded."""
    again: Mapped[bool] = mapped_column(Boolean, default=False)
    """Its inputs changed while it ran: run it once more."""
    not_before: Mapped[int] = mapped_column(BigInteger, default=0)
    sent: Mapped[int] = mapped_column(BigInteger, default=0)
    alive: Mapped[int] = mapped_column(BigInteger, default=0)
    started: Mapped[int] = mapped_column(BigInteger, default=0)
    ended: Mapped[int] = mapped_column(BigInteger, default=0)
    busy: Mapped[int] = mapped_column(BigInteger, default=0)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(BigInteger, default=0)
    artifacts: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    counts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    reason: Mapped[str] = mapped_column(String(63), default="")
    message: Mapped[str] = mapped_column(Text, default="")


class Upload(Base):
    """An upload under way or finished; makes uploads and imports idempotent."""

    __tablename__ = "uploads"

    collection: Mapped[str] = mapped_column(String(63), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    planned: Mapped[str] = mapped_column(String(63))
    """Id that the video will have, so that a crash between store and catalog leaves nothing without an owner."""
    announced: Mapped[str] = mapped_column(String(96), default="")
    """Size and SHA-256 as its first stream gave them, so that no other file is joined to its parts."""
    video: Mapped[str] = mapped_column(String(63), default="")
    """Id of the video when finished: the planned one, or the one that already held these bytes."""
    updated: Mapped[int] = mapped_column(BigInteger)


class Tombstone(Base):
    """A removed video, remembered until no worker can still be writing for it."""

    __tablename__ = "tombstones"

    collection: Mapped[str] = mapped_column(String(63), primary_key=True)
    video: Mapped[str] = mapped_column(String(63), primary_key=True)
    removed: Mapped[int] = mapped_column(BigInteger)
    sweeps: Mapped[int] = mapped_column(default=0)
    next_sweep: Mapped[int] = mapped_column(BigInteger)


class Share(Base):
    """How many jobs of a collection have gone to a queue, as `pipeline.shares` counts; of no collection: the clock."""

    __tablename__ = "shares"

    queue: Mapped[str] = mapped_column(String(31), primary_key=True)
    collection: Mapped[str] = mapped_column(String(63), primary_key=True)
    turn: Mapped[int] = mapped_column(BigInteger)


class ApiKey(Base):
    """A key of the public API. What it opens is kept, itself only as a hash."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    """The first part of the key, by which it is found and spoken of."""
    title: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the whole key, in hex."""
    scope: Mapped[int] = mapped_column()
    collections: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True), nullable=True)
    """Ids; null for all, those to come included."""
    created: Mapped[int] = mapped_column(BigInteger)
    expires: Mapped[int] = mapped_column(BigInteger, default=0)
    """0: never."""
    revoked: Mapped[int] = mapped_column(BigInteger, default=0)
    used: Mapped[int] = mapped_column(BigInteger, default=0)
    """To the minute."""


class Quota(Base):
    """What a collection may have at most; 0 is no bound. Without a row nothing is bounded."""

    __tablename__ = "quotas"

    collection: Mapped[str] = mapped_column(String(63), primary_key=True)
    """It need not exist yet."""
    videos: Mapped[int] = mapped_column(BigInteger, default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    """Of sources."""
    duration: Mapped[int] = mapped_column(BigInteger, default=0)
    """Nanoseconds of video."""
    requests: Mapped[int] = mapped_column(BigInteger, default=0)
    """A minute."""
    uploads: Mapped[int] = mapped_column(BigInteger, default=0)
    """Under way, at all gateways together."""


class UploadPlace(Base):
    """An upload under way about a collection that has a bound of them."""

    __tablename__ = "upload_places"
    __table_args__ = (Index("upload_places_of_collection", "collection"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    collection: Mapped[str] = mapped_column(String(63))
    until: Mapped[int] = mapped_column(BigInteger)
    """It counts until then; its gateway puts that off."""


class AuditEvent(Base):
    """Something that a caller did or tried. Triggers refuse to change or remove rows."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("audit_by_collection", "collection", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    time: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(255))
    peer: Mapped[str] = mapped_column(String(255))
    """Address that the call came from."""
    method: Mapped[str] = mapped_column(String(255))
    collection: Mapped[str] = mapped_column(String(63))
    """Id of the first collection that the call named; empty for the platform."""
    resources: Mapped[list[str]] = mapped_column(JSON)
    """Names that the call gave, or made."""
    outcome: Mapped[str] = mapped_column(String(63))


class Webhook(Base):
    """Where a collection's events are sent. The secret is kept as it is: messages are signed with it."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("webhooks_of_collection", "collection", "created"),)

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    collection: Mapped[str] = mapped_column(String(63))
    url: Mapped[str] = mapped_column(Text)
    events: Mapped[list[str]] = mapped_column(JSON)
    secret: Mapped[str] = mapped_column(String(100))
    created: Mapped[int] = mapped_column(BigInteger)
    ended: Mapped[int] = mapped_column(BigInteger, default=0)
    """When its collection went: what is to be sent is sent yet, and nothing comes to it."""


class Delivery(Base):
    """A message of a webhook. WAITING until it is DELIVERED, or FAILED after its last try."""

    __tablename__ = "deliveries"
    __table_args__ = (
        ForeignKeyConstraint(["webhook"], ["webhooks.id"], ondelete="CASCADE"),
        Index("deliveries_due", "state", "not_before"),
        Index("deliveries_of_webhook", "webhook", "created", "id"),
    )

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    webhook: Mapped[str] = mapped_column(String(63))
    event: Mapped[str] = mapped_column(String(31))
    video: Mapped[str] = mapped_column(String(160))
    """Its full name."""
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default="WAITING")
    tries: Mapped[int] = mapped_column(default=0)
    status: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    created: Mapped[int] = mapped_column(BigInteger)
    not_before: Mapped[int] = mapped_column(BigInteger, default=0)
    ended: Mapped[int] = mapped_column(BigInteger, default=0)
