"""Downloads from web servers of the public internet: an address is looked up once, judged, and then connected to."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast
from urllib.parse import SplitResult, urljoin, urlsplit

import urllib3

from services.core.errors import Denied, InvalidInput, NotFound, TimedOut, Unavailable, VidxError
from services.gateway.settings import ImportSettings
from services.runtime import pinned
from services.runtime.addresses import address_of

FIELD = "uri"
MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)


@contextmanager
def download(uri: str, settings: ImportSettings) -> Iterator[BinaryIO]:
    """The bytes at an address, after redirects, each of which is judged as the first address is.

    Raises InvalidInput, Denied, NotFound, TimedOut, Unavailable; so does reading.
    """
    deadline = time.monotonic() + settings.timeout_s
    before = ""
    for _ in range(MAX_REDIRECTS + 1):
        parts = _parts(uri, settings, before)
        with _connections(parts, settings, deadline) as pool:
            response = _get(parts, pool, deadline)
            try:
                location = response.headers.get("location")
                if response.status in _REDIRECTS and location:
                    uri, before = _join(uri, location), parts.scheme
                    continue
                if response.status != 200:
                    error = NotFound if response.status in (404, 410) else Unavailable
                    raise error(f"the web server answers {response.status}")
                yield cast(BinaryIO, Bounded(response, deadline))
                return
            finally:
                response.close()
    raise InvalidInput(f"more than {MAX_REDIRECTS} redirects", fields={FIELD: "too many redirects"})


def _parts(uri: str, settings: ImportSettings, before: str) -> SplitResult:
    """The address, allowed by its scheme and host; `before` is the scheme that it was redirected from."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput("not a web address", fields={FIELD: "http:// or https://"})
    if parts.scheme == "http" and before == "https":
        raise Denied("redirected from https: to http:, where anybody on the way may read and change the file")
    if parts.scheme not in settings.schemes:
        raise Denied(f"{parts.scheme}: addresses are not allowed (VIDX_IMPORT_SCHEMES)")
    host = parts.hostname.rstrip(".")
    if settings.hosts and not any(_is_of(host, allowed.lower()) for allowed in settings.hosts):
        raise Denied(f"the host {host[:120]!r} is not one that may be imported from (VIDX_IMPORT_HOSTS)")
    return parts


def _is_of(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed


def _join(uri: str, location: str) -> str:
    try:
        return urljoin(uri, location)
    except ValueError as error:
        raise InvalidInput("redirected to what is not an address", fields={FIELD: "not an address"}) from error


@contextmanager
def _connections(parts: SplitResult, settings: ImportSettings, deadline: float) -> Iterator[urllib3.HTTPConnectionPool]:
    """To the host of an address, once that has been judged."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    try:
        port = parts.port or (443 if secure else 80)
    except ValueError as error:
        raise InvalidInput("not a web address: wrong port", fields={FIELD: "wrong port"}) from error
    address = address_of(host, port, settings.networks, "VIDX_IMPORT_NETWORKS")
    left = max(0.001, deadline - time.monotonic())
    timeout = urllib3.Timeout(connect=min(10, left), read=min(30, left))
    with pinned.pool(secure, host, port, address, timeout, deadline) as pool:
        yield pool


def _get(parts: SplitResult, pool: urllib3.HTTPConnectionPool, deadline: float) -> urllib3.BaseHTTPResponse:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc.rsplit("@", 1)[-1], "Accept-Encoding": "identity"}
    try:
        return pool.request("GET", path, headers=headers, redirect=False, retries=False, preload_content=False)
    except ValueError as error:
        rule = "http:// or https://"
        raise InvalidInput(f"not a web address: {type(error).__name__}", fields={FIELD: rule}) from error
    except urllib3.exceptions.HTTPError as error:
        what = f"{(parts.hostname or '')[:120]!r} does not answer: {type(error).__name__}"
        raise _failed(what, deadline) from error


def _failed(what: str, deadline: float) -> VidxError:
    if time.monotonic() >= deadline:
        return TimedOut("the download took too long (VIDX_IMPORT_TIMEOUT_S)")
    return Unavailable(what)


class Bounded:
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
            raise _failed(f"the download broke off: {type(error).__name__}", self._deadline) from error
