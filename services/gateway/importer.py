"""Streams from the addresses that ImportVideo may read: files of allowed folders, S3, and public web servers."""

import ipaddress
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from services.core.errors import Denied, InvalidInput, NotFound, TimedOut, Unavailable
from services.gateway.settings import ImportSettings

MAX_REDIRECTS = 5
_FIELD = "uri"
_UNICAST = ipaddress.ip_network("2000::/3")
_6TO4 = ipaddress.ip_network("2002::/16")


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
            yield cast(BinaryIO, _Bounded(response, time.monotonic() + s.timeout_s))
        finally:
            response.close()
            response.release_conn()

    @contextmanager
    def _http(self, uri: str) -> Iterator[BinaryIO]:
        if not self._settings.http:
            raise Denied("importing from the web is off: VIDX_IMPORT_HTTP is not set")
        deadline = time.monotonic() + self._settings.timeout_s
        for _ in range(MAX_REDIRECTS + 1):
            response = _get(uri)
            location = response.headers.get("location")
            if response.status in (301, 302, 303, 307, 308) and location:
                response.close()
                uri = _join(uri, location)
                continue
            if response.status != 200:
                response.close()
                error = NotFound if response.status in (404, 410) else Unavailable
                raise error(f"the web server answers {response.status}")
            try:
                yield cast(BinaryIO, _Bounded(response, deadline))
            finally:
                response.close()
            return
        raise InvalidInput(f"more than {MAX_REDIRECTS} redirects", fields={_FIELD: "too many redirects"})


def public_address(host: str, port: int) -> str:
    """An address of the host that is on the public internet; the connection then goes to this very address.

    Raises Denied when any address of the host is private, loopback, link-local, multicast or reserved, in IPv4,
    IPv6 or IPv4 mapped into IPv6.
    """
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise NotFound(f"no host {host[:120]!r}") from error
    for text in found:
        address = ipaddress.ip_address(text.split("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        # Of IPv6 only what is given out to networks, less what leads on to IPv4: 6to4 there, and all that lies outside.
        public = mapped.version == 4 or (mapped in _UNICAST and mapped not in _6TO4)
        if not public or not mapped.is_global or mapped.is_multicast:
            raise Denied(f"{host[:120]!r} is not on the public internet")
    # The first, for they come in the order in which this machine can reach them.
    return found[0]


def _join(uri: str, location: str) -> str:
    try:
        return urljoin(uri, location)
    except ValueError as error:
        raise InvalidInput("redirected to what is not an address", fields={_FIELD: "not an address"}) from error


def _get(uri: str) -> urllib3.BaseHTTPResponse:
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput("not a web address", fields={_FIELD: "http:// or https://"})
    secure = parts.scheme == "https"
    try:
        port = parts.port or (443 if secure else 80)
    except ValueError as error:
        raise InvalidInput("not a web address: wrong port", fields={_FIELD: "wrong port"}) from error
    address = public_address(parts.hostname, port)
    timeout = urllib3.Timeout(connect=10, read=30)
    pool: urllib3.HTTPConnectionPool = (
        urllib3.HTTPSConnectionPool(
            address, port, timeout=timeout, assert_hostname=parts.hostname, server_hostname=parts.hostname
        )
        if secure
        else urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        return pool.request(
            "GET",
            path,
            headers={"Host": parts.netloc.rsplit("@", 1)[-1], "Accept-Encoding": "identity"},
            redirect=False,
            retries=False,
            preload_content=False,
        )
    except ValueError as error:
        raise InvalidInput(
            f"not a web address: {type(error).__name__}", fields={_FIELD: "http:// or https://"}
        ) from error
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(f"{parts.hostname[:120]!r} does not answer: {type(error).__name__}") from error


class _Bounded:
    """A response that must be read before a deadline."""

    def __init__(self, response: urllib3.BaseHTTPResponse, deadline: float) -> None:
        self._response = response
        self._deadline = deadline

    def read(self, size: int = -1) -> bytes:
        if time.monotonic() > self._deadline:
            raise TimedOut("the download took too long (VIDX_IMPORT_TIMEOUT_S)")
        try:
            # As much as is there: waiting for all of it would let a slow server outlast the deadline.
            return self._response.read1(size if size >= 0 else None)
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"the download broke off: {type(error).__name__}") from error
