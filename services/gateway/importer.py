"""Streams from the addresses that ImportVideo may read: files of allowed folders, S3, and public web servers."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import SplitResult, unquote, urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from services.core.errors import Denied, InvalidInput, NotFound, Unavailable
from services.gateway.settings import ImportSettings
from services.gateway.web import FIELD as _FIELD
from services.gateway.web import Bounded, download


class Importer:
    """Opens what the settings allow."""

    def __init__(self, settings: ImportSettings) -> None:
        self._settings = settings

    @contextmanager
    def open(self, uri: str) -> Iterator[tuple[BinaryIO, str]]:
        """A stream of the address's bytes, and the file name in it. Raises InvalidInput, Denied, NotFound."""
        try:
            parts = urlsplit(uri)
        except ValueError as error:
            raise InvalidInput(f"not an address: {error}", fields={_FIELD: "not an address"}) from error
        name = unquote(parts.path).rsplit("/", 1)[-1]
        if parts.scheme == "file":
            with self._file(parts) as stream:
                yield stream, name
        elif parts.scheme == "s3":
            with self._s3(parts) as stream:
                yield stream, name
        elif parts.scheme in ("http", "https"):
            with self._http(uri) as stream:
                yield stream, name
        else:
            rule = "file:///path, s3://bucket/key, http:// or https://"
            raise InvalidInput(f"cannot import {parts.scheme[:20]!r} addresses: {rule}", fields={_FIELD: rule})

    @contextmanager
    def _file(self, parts: SplitResult) -> Iterator[BinaryIO]:
        if parts.netloc not in ("", "localhost") or "\0" in unquote(parts.path):
            raise InvalidInput("file addresses have the form file:///path", fields={_FIELD: "file:///path"})
        try:
            # Resolved before it is compared, so that neither .. nor a link leads out of the folder.
            path = Path(unquote(parts.path)).resolve()
            self._check_inside(path)
            if not path.is_file():
                raise NotFound(f"no file {unquote(parts.path)[:200]!r}")
            stream = path.open("rb")
        except PermissionError as error:
            raise Denied("the gateway may not read this file") from error
        except (OSError, RuntimeError) as error:
            raise NotFound(f"no file {unquote(parts.path)[:200]!r}") from error
        with stream:
            # What was opened counts: a folder on the way may have become a link since.
            self._check_inside(Path(os.readlink(f"/proc/self/fd/{stream.fileno()}")))
            yield stream

    def _check_inside(self, path: Path) -> None:
        folders = [Path(folder).resolve() for folder in self._settings.folders]
        if not any(path.is_relative_to(folder) for folder in folders):
            raise Denied("this file is not inside a folder that the gateway may import from (VIDX_IMPORT_FOLDERS)")

    @contextmanager
    def _s3(self, parts: SplitResult) -> Iterator[BinaryIO]:
        s = self._settings
        if not s.s3_endpoint:
            raise Denied("importing from S3 is off: VIDX_IMPORT_S3_ENDPOINT is not set")
        key = parts.path.lstrip("/")
        if not parts.netloc or not key:
            raise InvalidInput("S3 addresses have the form s3://bucket/key", fields={_FIELD: "s3://bucket/key"})
        client = Minio(
            s.s3_endpoint,
            access_key=s.s3_access_key.get_secret_value(),
            secret_key=s.s3_secret_key.get_secret_value(),
            secure=s.s3_secure,
            http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=60)),
        )
        try:
            response = client.get_object(parts.netloc, unquote(key))
        except S3Error as error:
            if error.code in ("NoSuchKey", "NoSuchBucket"):
                raise NotFound(f"no object {unquote(key)[:200]!r} in bucket {parts.netloc[:80]!r}") from error
            raise Denied(f"the S3 server refused: {error.code}") from error
        except ValueError as error:
            raise InvalidInput(f"not an S3 address: {error}", fields={_FIELD: "s3://bucket/key"}) from error
        except (MinioException, urllib3.exceptions.HTTPError) as error:
            raise Unavailable(f"the S3 server does not answer: {type(error).__name__}") from error
        try:
            yield cast(BinaryIO, Bounded(response, time.monotonic() + s.timeout_s))
        finally:
            response.close()
            response.release_conn()

    @contextmanager
    def _http(self, uri: str) -> Iterator[BinaryIO]:
        if not self._settings.http:
            raise Denied("importing from the web is off: VIDX_IMPORT_HTTP is not set")
        with download(uri, self._settings) as stream:
            yield stream
