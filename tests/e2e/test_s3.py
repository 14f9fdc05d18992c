"""The same platform on a real S3 server."""

from services.runtime.store_s3 import S3Store
from tests.media.films import two_scenes
from tests.servers import s3
from tests.servers.platform import serving


def test_a_video_goes_its_way_through_s3_and_leaves_an_empty_bucket(tmp_path) -> None:
    (tmp_path / "s3").mkdir()
    with (
        s3.serving(tmp_path / "s3") as server,
        serving(tmp_path / "home", "--store", server.url("vidx"), extra=server.environment("vidx")) as platform,
    ):
        path = two_scenes(tmp_path / "film.mp4")
        video = platform.messages("index", str(path), "--wait")[-1]
        assert video["state"] == "READY", video
        assert len(platform.messages("shots", video["name"])[0]["shots"]) == 2
        assert platform.messages("search", "colours")[0]["moments"]
        platform.run("frame", video["name"], "1.5", "-o", str(tmp_path / "f.jpg"))
        assert int(platform.messages("delete", video["name"])[0]["removed"]["objects"]) > 5
        store = s3_store(server, tmp_path / "scratch")
        assert list(store.walk("")) == []
        assert not (tmp_path / "home" / "store").exists()


def s3_store(server: s3.S3, scratch):
    return S3Store(
        server.endpoint, "vidx", server.access_key, server.secret_key, secure=False, region="us-east-1", scratch=scratch
    )
