"""The parts of an upload under way, as they lie in the object store until its video is entered."""

import uuid
from collections.abc import Iterable, Iterator

from services.catalog.database import Database
from services.catalog.models import Upload
from services.core import artifacts
from services.core.errors import InvalidInput, NotFound
from services.core.names import CollectionName
from services.core.store import Artifacts
from services.pipeline import ledger

PART_BYTES = 8 << 20


class Parts:
    """The parts of one upload. Several streams of it may write at once, each its own: of one whose client is gone the
    last bytes may come late, and must not replace what another has brought since."""

    def __init__(self, database: Database, store: Artifacts, parent: CollectionName, request_id: str) -> None:
        self._database = database
        self._store = store
        self._parent = parent
        self._request_id = request_id
        self._prefix = artifacts.upload_prefix(parent.collection, request_id)

    def sizes(self) -> dict[int, int]:
        """Bytes of the longest part that begins at a byte, for every byte at which one does."""
        longest: dict[int, int] = {}
        for _, begin, size in self._all():
            longest[begin] = max(size, longest.get(begin, 0))
        return longest

    def found(self) -> list[tuple[str, int, int]]:
        """(key, first byte to use, bytes) of the parts that join without a gap; two streams may have overlapped."""
        found, at = [], 0
        for key, begin, size in self._all():
            if begin <= at < begin + size:
                found.append((key, at - begin, begin + size - at))
                at = begin + size
        return found

    def size(self) -> int:
        """Bytes kept, from the first on."""
        return sum(size for _, _, size in self.found())

    def keep(self, offset: int, size: int, chunks: Iterable[bytes]) -> None:
        """Write the chunks as parts; also what is at hand when the connection breaks.

        Raises InvalidInput for more or fewer bytes than announced.
        """
        stream, buffer = uuid.uuid4().hex[:8], bytearray()
        at = offset

        def flush() -> None:
            nonlocal at
            if buffer:
                self._touch()
                self._store.objects.put(artifacts.part_key(self._prefix, at, stream), bytes(buffer))
                at += len(buffer)
                buffer.clear()

        try:
            for chunk in chunks:
                if at + len(buffer) + len(chunk) > size:
                    rule = "the chunks hold more bytes than size_bytes says"
                    raise InvalidInput(rule, fields={"size_bytes": rule})
                buffer += chunk
                if len(buffer) >= PART_BYTES:
                    flush()
        finally:
            flush()
        if at < size:
            raise InvalidInput(
                f"the stream ended at byte {at} of {size}; go on from there with the same request_id",
                fields={"size_bytes": "the stream ended before it"},
            )

    def delete(self) -> None:
        self._store.objects.delete([o.key for o in self._store.objects.walk(self._prefix)])

    def _all(self) -> Iterator[tuple[str, int, int]]:
        """(key, first byte, bytes) of every part, in the order of the file."""
        for part in self._store.objects.walk(self._prefix):
            yield part.key, artifacts.part_offset(self._prefix, part.key), part.size

    def _touch(self) -> None:
        """Tell the reconciler, which takes forgotten uploads away, that this one goes on."""
        with self._database.write() as session:
            upload = session.get(Upload, (self._parent.collection, self._request_id), with_for_update=True)
            if upload is None:
                raise NotFound(f"the upload {self._request_id!r} was removed meanwhile; begin it anew")
            upload.updated = ledger.now()
