"""The object store that the settings name."""

from pathlib import Path
from urllib.parse import urlsplit

from services.core.errors import InvalidInput
from services.runtime.artifacts import ArtifactStore
from services.runtime.settings import StoreSettings
from services.runtime.store_folder import FolderStore
from services.runtime.store_watch import WatchedStore


def connect(settings: StoreSettings) -> ArtifactStore:
    """Artifacts over a folder or an S3 bucket, which is made when it is not there."""
    url = urlsplit(settings.url)
    if url.scheme == "folder":
        return ArtifactStore(WatchedStore(FolderStore(Path(url.path), settings.min_free_bytes)))
    if url.scheme in ("s3", "s3+https"):
        # Imported here, not above: a service on a folder must not wait for it.
        from services.runtime.store_s3 import S3Store

        store = S3Store(
            url.netloc,
            url.path.strip("/"),
            settings.access_key.get_secret_value(),
            settings.secret_key.get_secret_value(),
            secure=url.scheme == "s3+https",
            ca=settings.ca,
            region=settings.region,
            scratch=Path(settings.scratch),
            cache_bytes=settings.cache_bytes,
        )
        try:
            store.ensure_bucket()
        except ValueError as error:
            raise InvalidInput(f"VIDX_STORE_URL: {error}") from error
        return ArtifactStore(WatchedStore(store))
    raise InvalidInput("VIDX_STORE_URL must be folder:///path, s3://host:port/bucket or s3+https://host/bucket")


def folders(settings: StoreSettings) -> list[Path]:
    """Where local copies of stored objects lie."""
    url = urlsplit(settings.url)
    return [Path(url.path if url.scheme == "folder" else settings.scratch)]
