"""The same platform on a real S3 server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from services.runtime.store_s3 import S3Store
from tests.media.films import two_scenes
from tests.servers import s3
from tests.servers.platform import Platform, serving


@pytest.fixture(scope="module")
def server(s3_server: s3.S3) -> s3.S3:
    return s3_server


@pytest.fixture(scope="module")
def platform(server: s3.S3, tmp_path_factory) -> Iterator[Platform]:
    """Stores in the bucket `vidx`, and may import from any bucket of the server."""
    extra = server.environment("vidx") | {
        "VIDX_IMPORT_S3_ENDPOINT": server.endpoint,
        "VIDX_IMPORT_S3_SECURE": "false",
        "VIDX_IMPORT_S3_ACCESS_KEY": server.access_key,
        "VIDX_IMPORT_S3_SECRET_KEY": server.secret_key,
    }
    with serving(tmp_path_factory.mktemp("home"), "--store", server.url("vidx"), extra=extra) as found:
        yield found


def bucket(server: s3.S3, name: str, tmp_path: Path) -> S3Store:
    store = S3Store(
        server.endpoint, name, server.access_key, server.secret_key,
        secure=False, region="us-east-1", scratch=tmp_path / "scratch",
    )  # fmt: skip
    store.ensure_bucket()
    return store


def test_a_video_goes_its_way_through_s3_and_leaves_an_empty_bucket(server, platform, tmp_path) -> None:
    video = platform.messages("index", str(two_scenes(tmp_path / "film.mp4")), "--wait")[-1]
    assert video["state"] == "READY", video
    assert len(platform.messages("shots", video["name"])[0]["shots"]) == 2
    assert platform.messages("search", "colours")[0]["moments"]
    url = platform.run("url", video["name"], "--lifetime", "5m").strip()
    played = urllib3.request("GET", url, timeout=60)
    assert (played.data, played.headers["Content-Type"]) == ((tmp_path / "film.mp4").read_bytes(), "video/mp4")
    platform.run("frame", video["name"], "1.5", "-o", str(tmp_path / "f.jpg"))
    assert int(platform.messages("delete", video["name"])[0]["removed"]["objects"]) > 5
    assert list(bucket(server, "vidx", tmp_path).walk("")) == []
    assert not (platform.home / "store").exists()


def test_a_video_is_imported_from_a_bucket(server, platform, tmp_path) -> None:
    film = two_scenes(tmp_path / "film.mp4").read_bytes()
    bucket(server, "films", tmp_path).put("a film.mp4", film)
    video = platform.messages("index", "s3://films/a%20film.mp4", "--collection", "imported", "--wait")[-1]
    assert (video["state"], video["title"], int(video["sizeBytes"])) == ("READY", "a film.mp4", len(film))
    missing = platform.vidx("index", "s3://films/none.mp4", "--collection", "imported")
    assert missing.returncode == 1
    assert "none.mp4" in missing.stderr
