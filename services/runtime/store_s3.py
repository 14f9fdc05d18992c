"""Object store on any S3, through the `minio` client."""

import errno
import fcntl
import hashlib
import io
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error

from services.core.errors import NotFound, StorageFull, Unavailable, VidxError
from services.core.store import ObjectInfo

PART_BYTES = 16 << 20
PARALLEL = 3
"""Parts of one object on their way at a time; with the one that is read, the memory that a long stream takes."""
LEFTOVER_S = 3600.0
_FULL = {"XMinioStorageFull", "InsufficientStorage", "QuotaExceeded", "507"}


class S3Store:
    """Implements `core.store.ObjectStore`.

    `scratch` holds local copies of objects opened as files; those in no use are dropped down to `cache_bytes`. `ca` is
    the file of the CA that vouches for the server; this machine's when empty.
    """

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        *,
        secure: bool,
        ca: str = "",
        region: str,
        scratch: Path,
        cache_bytes: int = 20 << 30,
    ) -> None:
        http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=60),
            maxsize=32,
            ca_certs=ca or None,
            retries=urllib3.Retry(total=4, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
        )
        self._client = Minio(
            endpoint, access_key=access_key, secret_key=secret_key, secure=secure, region=region, http_client=http
        )
        self._bucket = bucket
        self._scratch = scratch
        self._cache_bytes = cache_bytes
        self._fetching = [threading.Lock() for _ in range(256)]
        scratch.mkdir(parents=True, exist_ok=True)

    def ensure_bucket(self) -> None:
        """Make the bucket when it is not there."""
        with _errors(self._bucket):
            if self._client.bucket_exists(self._bucket):
                return
            try:
                self._client.make_bucket(self._bucket)
            except S3Error as error:
                # Every service makes it at its start, and all start at once.
                if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                    raise

    def put(self, key: str, data: bytes | BinaryIO) -> int:
        with _errors(key):
            if isinstance(data, bytes):
                self._client.put_object(self._bucket, key, io.BytesIO(data), len(data))
                return len(data)
            counter = _Counter(data)
            self._client.put_object(self._bucket, key, counter, -1, part_size=PART_BYTES, num_parallel_uploads=PARALLEL)  # type: ignore[arg-type]
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
        # One fetch of an object at a time in this process; other objects do not wait for it.
        with self._fetching[int(path.name[:2], 16)]:
            while (held := _hold(path)) is None:
                with _errors(key):
                    self._fetch(key, path, stat.size or 0)
        with held:
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
            try:
                response = self._client.get_object(self._bucket, key, offset=offset, length=size)
            except S3Error as error:
                if error.code == "InvalidRange":  # it begins after the last byte
                    return b""
                raise
            try:
                return bytes(response.read())
            finally:
                response.close()
                response.release_conn()

    def _fetch(self, key: str, path: Path, size: int) -> None:
        """Make the local copy; other processes with the same scratch may be making it too."""
        self._make_room(size)
        begun, whole = (path.with_name(f"{secrets.token_hex(16)}.{suffix}") for suffix in ("part", "whole"))
        try:
            self._client.fget_object(self._bucket, key, str(whole), tmp_file_path=str(begun))
            if not path.exists():
                os.replace(whole, path)
        finally:
            begun.unlink(missing_ok=True)
            whole.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        """Drop the local copies that were used longest ago and are in no use, down to the cache's bound."""
        files = []
        for file in self._scratch.iterdir():
            with suppress(FileNotFoundError):
                stat = file.stat()
                files.append((stat.st_mtime, stat.st_size, file))
        total = size + sum(s for _, s, _ in files)
        for changed, file_size, file in sorted(files):
            if file.suffix:
                # A fetch under way, or one whose process died.
                gone = changed < time.time() - LEFTOVER_S and _drop(file)
            elif total > self._cache_bytes or shutil.disk_usage(self._scratch).free < size + (256 << 20):
                gone = _drop(file)
            else:
                gone = False
            total -= file_size if gone else 0


def _hold(path: Path) -> BinaryIO | None:
    """The local copy, open and locked, so that no process drops it while it is in use; None when there is none."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    if os.fstat(file.fileno()).st_nlink == 0:
        file.close()
        return None
    os.utime(path)
    return file


def _drop(path: Path) -> bool:
    """Remove a file unless somebody holds it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except OSError:
        return False
    return True


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
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"no room for a local copy of {key}: make room in VIDX_STORE_SCRATCH") from error
        raise Unavailable(f"the S3 store does not answer for {key}: {type(error).__name__}") from error


def _rename(error: S3Error, key: str) -> VidxError:
    if error.code in ("NoSuchKey", "NoSuchObject", "NoSuchBucket"):
        return NotFound(f"no object {key}" if error.code != "NoSuchBucket" else "the bucket does not exist")
    if error.code in _FULL:
        return StorageFull(f"the S3 store has no room for {key}")
    return Unavailable(f"the S3 store refused {key}: {error.code}")
