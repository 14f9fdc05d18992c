"""How bytes become a video: uploads that can be resumed, and one entry for the same bytes."""

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from services.catalog.database import Database
from services.catalog.models import Upload, Video
from services.catalog.quotas import admit
from services.catalog.states import VideoState
from services.core import artifacts
from services.core.errors import ChecksumMismatch, Conflict, Exhausted, InvalidInput, NotFound
from services.core.names import CollectionName, VideoName
from services.core.store import Artifacts
from services.gateway import uploads
from services.gateway.collections import require
from services.gateway.parts import Parts
from services.gateway.spec import Spec, check_request_id
from services.gateway.streams import Hashing, Joined
from services.gateway.subtitles import Subtitles
from services.gateway.uploads import Uploads
from services.pipeline import ledger
from services.pipeline.control import Change, Control
from services.runtime import telemetry

_SHA256 = re.compile(r"[0-9a-f]{64}")
_log = telemetry.log(__name__)


class Intake:
    """Use cases that make videos."""

    def __init__(
        self,
        database: Database,
        store: Artifacts,
        control: Control,
        subtitles: Subtitles,
        max_bytes: int,
        max_uploads: int,
    ) -> None:
        self._database = database
        self._store = store
        self._control = control
        self._subtitles = subtitles
        self._max_bytes = max_bytes
        self._max_uploads = max_uploads
        self._under_way: Counter[CollectionName] = Counter()
        self._lock = threading.Lock()
        self._uploads = Uploads(database)

    @contextmanager
    def room(self, parent: CollectionName) -> Iterator[None]:
        """A place among the uploads and imports under way; the last quarter is for collections that have none.

        Raises Exhausted when all are taken.
        """
        with self._lock:
            free = self._max_uploads - self._under_way.total()
            if free <= (self._max_uploads // 4 if self._under_way[parent] else 0):
                raise Exhausted("too many videos are being taken in; try again later")
            self._under_way[parent] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[parent] -= 1
                self._under_way += Counter()

    def state(self, parent: CollectionName, request_id: str) -> tuple[int, VideoName | None]:
        """Bytes kept of an upload, and its video when it is finished."""
        check_request_id(request_id)
        known = self._uploads.known(parent, request_id)
        if known is None:
            raise NotFound(f"no upload {request_id!r} in {parent}")
        made = known.video
        return (0, made) if made is not None else (self.parts(parent, request_id).size(), None)

    def upload(
        self,
        parent: CollectionName,
        request_id: str,
        offset: int,
        size: int,
        sha256: str,
        spec: Spec,
        chunks: Iterable[bytes],
    ) -> VideoName:
        """Take `size` bytes, of which the chunks begin at `offset`; returns the video that holds them.

        What arrived before a broken connection is kept. Raises InvalidInput for more or fewer bytes than announced,
        ChecksumMismatch when the bytes are not those of `sha256`; then nothing of the upload is kept.
        """
        announced = self._announcement(size, sha256)
        spec = self._checked(spec)
        parts = self.parts(parent, request_id)
        kept = parts.size()
        _, finished = self._uploads.open(parent, request_id, announced, begun=kept > 0)
        if finished is not None:
            return finished
        if not 0 <= offset <= kept:
            rule = f"at most {kept}, the bytes that are kept"
            raise InvalidInput(f"offset {offset}: {rule}; ask GetUpload", fields={"offset": rule})
        self._check_quota(parent, size, sha256)
        parts.keep(offset, size, chunks)
        return self._join(parent, request_id, announced, spec)

    def announce(self, parent: CollectionName, request_id: str, size: int, sha256: str) -> VideoName | None:
        """Begin an upload whose parts come by another way than `upload`; its video when it is finished already."""
        announced = self._announcement(size, sha256)
        finished = self._uploads.open(parent, request_id, announced, begun=True)[1]
        if finished is None:
            self._check_quota(parent, size, sha256)
        return finished

    def complete(self, parent: CollectionName, request_id: str, spec: Spec) -> VideoName:
        """Make a video of parts that came by another way.

        Raises Conflict while some are missing; InvalidInput for more bytes than announced, and ChecksumMismatch as
        `upload` does: then nothing of the upload is kept.
        """
        check_request_id(request_id)
        spec = self._checked(spec)
        known = self._uploads.known(parent, request_id)
        if known is None or not known.announced.strip():
            raise NotFound(f"no upload {request_id!r} in {parent}; CreateUploadUrls begins one")
        if known.video is not None:
            return known.video
        parts, (size, _) = self.parts(parent, request_id), uploads.announced(known.announced)
        kept = parts.size()
        if kept < size:
            raise Conflict(f"{kept} of {size} bytes are there without a gap; CreateUploadUrls tells what is missing")
        if kept > size:
            parts.delete()
            rule = f"{kept} bytes were sent, {size} were announced"
            raise InvalidInput(f"{rule}; begin anew with CreateUploadUrls", fields={"size_bytes": rule})
        return self._join(parent, request_id, known.announced, spec)

    def _join(self, parent: CollectionName, request_id: str, announced: str, spec: Spec) -> VideoName:
        """The video of parts that are all there."""
        parts, (size, sha256) = self.parts(parent, request_id), uploads.announced(announced)
        # While they were on their way, another stream of the request may have made the video, or begun another file.
        planned, finished = self._uploads.open(parent, request_id, announced, begun=True)
        if finished is not None:
            parts.delete()
            return finished
        stream = Joined(self._store, parts.found())
        try:
            video = self._enter(planned, request_id, cast(BinaryIO, stream), spec, size, sha256)
        except InvalidInput:
            # The bytes are wrong, and would be wrong again; any other failure leaves them for the next try.
            parts.delete()
            raise
        parts.delete()
        return video

    def take(self, parent: CollectionName, request_id: str, stream: BinaryIO, spec: Spec) -> VideoName:
        """Take a stream to its end; for imports."""
        spec = self._checked(spec)
        planned, finished = self._uploads.open(parent, request_id)
        return finished or self._enter(planned, request_id, stream, spec, None, "")

    def finished(self, parent: CollectionName, request_id: str) -> VideoName | None:
        """The video that a request id has made already."""
        known = self._uploads.known(parent, request_id)
        return known.video if known is not None else None

    def _checked(self, spec: Spec) -> Spec:
        """The same, fit to be stored; a subtitle file is read, so that its first wrong line is told at once."""
        spec = spec.checked()
        if spec.subtitles is not None:
            self._subtitles.read(*spec.subtitles, language="", field="spec.subtitles")
        return spec

    def _enter(
        self, name: VideoName, request_id: str, stream: BinaryIO, spec: Spec, size: int | None, sha256: str
    ) -> VideoName:
        """Check and store the source, and enter the video; the same bytes give the video that is there."""

        def check(found: int, digest: str) -> None:
            if found == 0:
                raise InvalidInput("the file is empty: there is nothing to index")
            if size is not None and found != size:
                raise ChecksumMismatch(f"{found} bytes were kept, {size} were announced; upload it again")
            if sha256 and digest != sha256:
                raise ChecksumMismatch(
                    f"the bytes have SHA-256 {digest}, announced was {sha256}; upload the file again"
                )

        # Checked before the last byte is given on: another stream of this request may have entered the video already,
        # and wrong bytes must not become its source.
        hashing = Hashing(stream, self._check_size, check)
        try:
            self._store.objects.put(artifacts.source_key(name), cast(BinaryIO, hashing))
            found = hashing.hexdigest()
            known = None if spec.allow_duplicate else self._same_bytes(name.parent, found)
            if known is None:
                known = self._create(name, request_id, spec, hashing.size, found)
            if known != name:
                self._discard(name)
                if spec.subtitles is not None:
                    self._control.update(known, Change(subtitles=spec.subtitles))
                self._uploads.finish(request_id, known)
            return known
        except Exception as error:
            with self._database.read() as session:
                owned = ledger.find(session, name) is not None
            if not owned:
                self._discard(name)
                raise
            # Another stream of this request entered the video, and took the parts that this one was reading.
            _log.info("upload_overtaken", video=str(name), message=str(error)[:200])
            return name

    def _create(self, name: VideoName, request_id: str, spec: Spec, size: int, sha256: str) -> VideoName:
        created = ledger.now()
        with self._database.read() as session:
            shot_labels = require(session, name.parent).shot_labels
        video = Video(
            collection=name.collection,
            id=name.video,
            title=spec.title,
            labels=spec.labels,
            state=VideoState.PROCESSING,
            created=created,
            updated=created,
            size_bytes=size,
            sha256=sha256,
            copy=name.video if spec.allow_duplicate else "",
            subtitles_key="",
            subtitles_name="",
            transcript_key="",
            shot_labels=shot_labels,
        )
        if spec.subtitles is not None:
            self._control.save_subtitles(video, *spec.subtitles)
        self._control.save_info(video)
        try:
            with self._database.write() as session:
                collection = require(session, name.parent, lock=True)
                admit(session, name.collection, size)
                self._control.begin(session, video)
                # Changed since they were written into the video's info: it is told the new ones like the others.
                collection.relabel = collection.relabel or collection.shot_labels != shot_labels
                upload = session.get(Upload, (name.collection, request_id))
                if upload is not None:
                    upload.video, upload.updated = name.video, ledger.now()
        except IntegrityError:
            # Another stream of this request, or another upload of the same bytes, was faster; or the collection went.
            with self._database.read() as session:
                require(session, name.parent)
                if ledger.find(session, name) is not None:
                    return name
            known = self._same_bytes(name.parent, sha256)
            if known is None:
                raise
            return known
        self._control.poke()
        return name

    def _same_bytes(self, parent: CollectionName, sha256: str) -> VideoName | None:
        query = sa.select(Video.id).where(
            Video.collection == parent.collection, Video.sha256 == sha256, Video.copy == ""
        )
        with self._database.read() as session:
            found = session.scalar(query.where(Video.state != VideoState.DELETING))
        return VideoName(parent.collection, found) if found else None

    def _discard(self, name: VideoName) -> None:
        self._store.objects.delete([o.key for o in self._store.objects.walk(artifacts.prefix(name))])

    def parts(self, parent: CollectionName, request_id: str) -> Parts:
        """What is kept of an upload."""
        return Parts(self._database, self._store, parent, request_id)

    def _announcement(self, size: int, sha256: str) -> str:
        """Size and SHA-256, checked, as the catalog keeps them."""
        if size <= 0:
            raise InvalidInput("the file is empty: there is nothing to index", fields={"size_bytes": "at least 1"})
        self._check_size(size)
        if sha256 and not _SHA256.fullmatch(sha256):
            raise InvalidInput("sha256 is not 64 lower-case hex digits", fields={"sha256": "64 hex digits"})
        return f"{size} {sha256}"

    def _check_quota(self, parent: CollectionName, size: int, sha256: str) -> None:
        """Refuse early what would be refused in the end; bytes that are there already take no room."""
        if not (sha256 and self._same_bytes(parent, sha256)):
            with self._database.read() as session:
                admit(session, parent.collection, size)

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            rule = f"at most {self._max_bytes} bytes (VIDX_GATEWAY_MAX_UPLOAD_BYTES)"
            raise InvalidInput(f"the file has {size} bytes or more: {rule}", fields={"size_bytes": rule})
