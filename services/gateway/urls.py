"""Addresses for uploads and playback past the gateway, straight to and from the object store."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.catalog.database import Database
from services.core import artifacts
from services.core.errors import Conflict, InvalidInput
from services.core.media import Plan
from services.core.names import CollectionName, VideoName
from services.core.store import Artifacts
from services.core.times import SECOND
from services.gateway.intake import Intake
from services.gateway.ports import Urls
from services.gateway.texts import existing
from services.pipeline import ledger, workflow

HOUR = 3600 * SECOND
SHORTEST, LONGEST = 60 * SECOND, 12 * HOUR
"""Of an address. The reconciler keeps an unfinished upload for longer than that."""
PART_BYTES = 256 << 20
"""Of the stretch that one address takes: S3 takes 5 GiB at once, and what breaks is sent again from its start."""
UNKNOWN = "application/octet-stream"
_MEDIA_TYPES = {
    "mp4": "video/mp4",
    "mov": "video/mp4",
    "webm": "video/webm",
    "matroska": "video/x-matroska",
    "mpegts": "video/mp2t",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "ogg": "video/ogg",
}
"""By the first name that FFmpeg gives a container. What is not here is not told as something that a browser may run."""


@dataclass(frozen=True)
class Stretch:
    """Bytes of a file, and where they go."""

    url: str
    offset: int
    size: int


@dataclass(frozen=True)
class Sending:
    """Where what is missing of an upload goes, until when (nanoseconds), and its video when it is finished."""

    stretches: Sequence[Stretch]
    expires: int
    video: VideoName | None


@dataclass(frozen=True)
class Playing:
    """Where a video plays from, until when (nanoseconds), and the media type of its source."""

    url: str
    expires: int
    media_type: str


class DirectUrls:
    """Use cases of addresses. Without `urls`, for a store that has none, all raise Conflict, which says what to do."""

    def __init__(
        self, database: Database, store: Artifacts, intake: Intake, urls: Urls | None, part_bytes: int = PART_BYTES
    ) -> None:
        self._database = database
        self._store = store
        self._intake = intake
        self._urls = urls
        self._part_bytes = part_bytes

    def upload(self, parent: CollectionName, request_id: str, size: int, sha256: str, lifetime: int | None) -> Sending:
        """Addresses for the stretches of a file of `size` bytes that have not arrived."""
        urls = self._must("send the file with UploadVideo")
        lasting = _checked(lifetime)
        expires = ledger.now() + lasting
        video = self._intake.announce(parent, request_id, size, sha256)
        if video is not None:
            return Sending((), expires, video)
        there = self._intake.parts(parent, request_id).sizes()
        wanted = ((at, min(self._part_bytes, size - at)) for at in range(0, size, self._part_bytes))
        prefix = artifacts.upload_prefix(parent.collection, request_id)
        missing = [
            Stretch(urls.write(artifacts.part_key(prefix, at), lasting // SECOND), at, length)
            for at, length in wanted
            if there.get(at) != length
        ]
        return Sending(missing, expires, None)

    def play(self, name: VideoName, lifetime: int | None) -> Playing:
        """The address of a video's source."""
        urls = self._must("take frames with GetFrame, or a short version with ExportSkim")
        lasting = _checked(lifetime)
        expires = ledger.now() + lasting
        with self._database.read() as session:
            jobs = ledger.jobs_of(session, existing(session, name))
            plan = next((j.artifacts.get("plan") for j in jobs if j.step == workflow.PLANNING), None)
        container = self._store.load(plan, Plan).probe.container if plan else ""
        media_type = _MEDIA_TYPES.get(container.split(",")[0], UNKNOWN)
        return Playing(urls.read(artifacts.source_key(name), lasting // SECOND, media_type), expires, media_type)

    def _must(self, instead: str) -> Urls:
        if self._urls is None:
            raise Conflict(
                f"the platform keeps its objects in a folder, where they have no addresses: {instead}, or run it on an "
                "S3 store (VIDX_STORE_URL)"
            )
        return self._urls


def _checked(lifetime: int | None) -> int:
    """Nanoseconds, whole seconds of them."""
    if lifetime is None:
        return HOUR
    if not SHORTEST <= lifetime <= LONGEST:
        rule = "a minute to 12 hours"
        raise InvalidInput(f"lifetime: {rule}", fields={"lifetime": rule})
    return lifetime // SECOND * SECOND
