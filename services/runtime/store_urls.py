"""Addresses of objects on an S3 server, signed so that whoever has one may read or write that object for a while."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from minio import Minio

from services.core.errors import InvalidInput
from services.runtime.settings import StoreSettings

_Query = dict[str, str | list[str] | tuple[str]]


def _now() -> datetime:
    return datetime.now(UTC)


class S3Urls:
    """Signing takes the keys alone; no server is asked. `clock` tells when an address begins to work."""

    def __init__(self, settings: StoreSettings, clock: Callable[[], datetime] = _now) -> None:
        inner = urlsplit(settings.url)
        outer = urlsplit(settings.public_url)
        if settings.public_url and (outer.scheme not in ("http", "https") or not outer.netloc or outer.path.strip("/")):
            raise InvalidInput("VIDX_STORE_PUBLIC_URL must be http://host:port or https://host, without a path")
        self._client = Minio(
            outer.netloc or inner.netloc,
            access_key=settings.access_key.get_secret_value(),
            secret_key=settings.secret_key.get_secret_value(),
            secure=outer.scheme == "https" if settings.public_url else inner.scheme == "s3+https",
            region=settings.region,
        )
        self._bucket = inner.path.strip("/")
        self._clock = clock

    def read(self, key: str, seconds: int, media_type: str) -> str:
        """Where to GET an object, which the server then gives as of this media type."""
        shown: _Query = {"response-content-type": media_type, "response-content-disposition": "inline"}
        return self._signed("GET", key, seconds, shown)

    def write(self, key: str, seconds: int) -> str:
        """Where to PUT an object, replacing it whole."""
        return self._signed("PUT", key, seconds, {})

    def _signed(self, method: str, key: str, seconds: int, shown: _Query) -> str:
        return self._client.get_presigned_url(
            method, self._bucket, key, timedelta(seconds=seconds), shown, request_date=self._clock()
        )


def connect(settings: StoreSettings) -> S3Urls | None:
    """None for a store whose objects have no addresses."""
    return S3Urls(settings) if urlsplit(settings.url).scheme in ("s3", "s3+https") else None
