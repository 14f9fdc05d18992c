"""Uploads as the catalog has them: one a request id, whichever way its bytes come."""

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Upload
from services.core.errors import InvalidInput
from services.core.names import CollectionName, VideoName, new_id
from services.gateway.collections import require
from services.gateway.spec import check_request_id
from services.pipeline import ledger


@dataclass(frozen=True)
class Known:
    """What is announced of an upload, "size sha256" or " ", and the video that it has made."""

    announced: str
    video: VideoName | None


class Uploads:
    """The table of uploads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, parent: CollectionName, request_id: str) -> Known | None:
        """An upload, or None. Raises NotFound for a collection that is not there."""
        with self._database.read() as session:
            require(session, parent)
            upload = session.get(Upload, (parent.collection, request_id))
            return Known(upload.announced, _made(session, upload)) if upload is not None else None

    def open(
        self, parent: CollectionName, request_id: str, announced: str = " ", *, begun: bool = False
    ) -> tuple[VideoName, VideoName | None]:
        """The name that the video will have, and the finished video if there is one.

        Raises InvalidInput when the upload was begun with another size or SHA-256 than `announced` says.
        """
        check_request_id(request_id)
        try:
            return self._open(parent, request_id, announced, begun)
        except IntegrityError:
            # Another stream of this request, perhaps at another gateway, began it at the same moment.
            return self._open(parent, request_id, announced, begun)

    def finish(self, request_id: str, video: VideoName) -> None:
        """The upload has made this video."""
        with self._database.write() as session:
            upload = session.get(Upload, (video.collection, request_id))
            if upload is not None:
                upload.video, upload.updated = video.video, ledger.now()

    def _open(
        self, parent: CollectionName, request_id: str, announced: str, begun: bool
    ) -> tuple[VideoName, VideoName | None]:
        with self._database.write() as session:
            require(session, parent)
            upload = session.get(Upload, (parent.collection, request_id), with_for_update=True)
            if upload is not None and upload.video:
                made = _made(session, upload)
                if made is not None:
                    return made, made
                upload.video, upload.planned = "", new_id()
            elif upload is not None and begun and not _same_file(upload.announced, announced):
                rule = "it was begun with another size or SHA-256; give each file a request_id of its own"
                raise InvalidInput(f"request_id {request_id!r}: {rule}", fields={"request_id": rule})
            if upload is None:
                upload = Upload(collection=parent.collection, request_id=request_id, planned=new_id(), video="")
                session.add(upload)
            upload.updated, upload.announced = ledger.now(), announced
            return VideoName(parent.collection, upload.planned), None


def announced(text: str) -> tuple[int, str]:
    """Size and SHA-256 of an announcement; "" for a SHA-256 that was not given."""
    size, sha256 = text.split(" ")
    return int(size), sha256


def _same_file(begun: str, announced: str) -> bool:
    """Whether two announcements can be of one file; a SHA-256 is not always given."""
    (size, sha256), (other_size, other_sha256) = begun.split(" "), announced.split(" ")
    return size == other_size and (sha256 == other_sha256 or not sha256 or not other_sha256)


def _made(session: Session, upload: Upload) -> VideoName | None:
    """The video that an upload has made, unless it was removed since."""
    made = VideoName(upload.collection, upload.video)
    return made if upload.video and ledger.find(session, made) is not None else None
