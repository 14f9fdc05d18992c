"""Object store on any S3, through the `minio` client."""

import hashlib
import io
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error

from services.core.errors import NotFound, StorageFull, Unavailable, VidxError
from services.core.store import ObjectInfo

PART_BYTES = 16 << 20
CACHE_BYTES = 20 << 30
_FULL = {"XMinioStorageFull", "InsufficientStorage", "QuotaExceeded", "507"}


class S3Store:
    """Implements `core.store.ObjectStore`. `scratch` holds local copies of objects that were opened as files."""

    def __init__(
        self, endpoint: str, bucket: str, access_key: str, secret_key: str, *, secure: bool, region: str, scratch: Path
    ) -> None:
        http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=60),
            maxsize=32,
            retries=urllib3.Retry(total=4, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
        )
        self._client = Minio(
            endpoint, access_key=access_key, secret_key=secret_key, secure=secure, region=region, http_client=http
        )
        self._bucket = bucket
        self._scratch = scratch
        self._lock = threading.Lock()
        scratch.mkdir(parents=True, exist_ok=True)

    def ensure_bucket(self) -> None:
        """Make the bucket when it is not there."""
        with _errors(self._bucket):
            if not self._client.bucket_exists(self._bucket):
                self._client.make_bucket(self._bucket)

    def put(self, key: str, data: bytes | BinaryIO) -> int:
        with _errors(key):
            if isinstance(data, bytes):
                self._client.put_object(self._bucket, key, io.BytesIO(data), len(data))
                return len(data)
            counter = _Counter(data)
            self._client.put_object(self._bucket, key, counter, -1, part_size=PART_BYTES)  # type: ignore[arg-type]
            return counter.size

    def get(self, key: str) -> bytes:
        return self._range(key, 0, 0)

    def read(self, key: str, offset: int, size: int) -> bytes:
        return self._range(key, offset, size) if size > 0 else b""

    @contextmanager
    def open(self, key: str) -> Iterator[BinaryIO]:
        with _errors(key):
            response = self._client.get_object(self._bucket, key)
        try:
            yield response  # type: ignore[misc]
        finally:
            response.close()
            response.release_conn()

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        with _errors(key):
            stat = self._client.stat_object(self._bucket, key)
        path = self._scratch / hashlib.sha256(f"{self._bucket}/{key}/{stat.etag}".encode()).hexdigest()
        with self._lock:
            if not path.exists():
                self._make_room(stat.size or 0)
                with _errors(key):
                    self._client.fget_object(self._bucket, key, str(path), tmp_file_path=f"{path}.part")
            path.touch()
        yield path

    def stat(self, key: str) -> ObjectInfo | None:
        try:
            with _errors(key):
                return ObjectInfo(key, self._client.stat_object(self._bucket, key).size or 0)
        except NotFound:
            return None

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        with _errors(prefix):
            for found in self._client.list_objects(self._bucket, prefix, recursive=True):
                yield ObjectInfo(found.object_name or "", found.size or 0)

    def delete(self, keys: list[str]) -> None:
        with _errors(keys[0] if keys else ""):
            failed = list(self._client.remove_objects(self._bucket, [DeleteObject(key) for key in keys]))
        if failed:
            raise Unavailable(f"the store did not remove {failed[0].name}: {failed[0].message}")

    def _range(self, key: str, offset: int, size: int) -> bytes:
        with _errors(key):
            response = self._client.get_object(self._bucket, key, offset=offset, length=size)
            try:
                return bytes(response.read())
            finally:
                response.close()
                response.release_conn()

    def _make_room(self, size: int) -> None:
        """Drop the local copies that were used longest ago, down to the cache's bound."""
        files = sorted((f.stat().st_atime, f.stat().st_size, f) for f in self._scratch.iterdir() if f.is_file())
        total = size + sum(s for _, s, _ in files)
        for _, file_size, file in files:
            if total <= CACHE_BYTES and shutil.disk_usage(self._scratch).free > size + (256 << 20):
                break
            file.unlink(missing_ok=True)
            total -= file_size


class _Counter:
    """A stream that counts what is read from it."""

    def __init__(self, inner: BinaryIO) -> None:
        self._inner = inner
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._inner.read(size)
        self.size += len(data)
        return data


@contextmanager
def _errors(key: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        raise _rename(error, key) from error
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise Unavailable(f"the S3 store does not answer for {key}: {type(error).__name__}") from error


def _rename(error: S3Error, key: str) -> VidxError:
    if error.code in ("NoSuchKey", "NoSuchObject", "NoSuchBucket"):
        return NotFound(f"no object {key}" if error.code != "NoSuchBucket" else "the bucket does not exist")
    if error.code in _FULL:
        return StorageFull(f"the S3 store has no room for {key}")
    return Unavailable(f"the S3 store refused {key}: {error.code}")
