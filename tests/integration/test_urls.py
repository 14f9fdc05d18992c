"""Addresses that lead past the gateway: uploads and playback on a real S3 server, and what a folder answers."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
import urllib3
from google.protobuf.duration_pb2 import Duration
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.core.media import Plan, Probe, VideoStream
from services.core.names import VideoName
from services.pipeline import ledger, orphans, workflow
from services.runtime.settings import StoreSettings
from services.runtime.store_urls import S3Urls
from tests.fakes.house import open_house
from tests.fakes.public_api import FILM, SHA, refused, serving
from tests.servers import s3

PART = 500_000
"""Bytes of a stretch, as `serving` sets them; FILM has three."""
http = urllib3.PoolManager(timeout=60)


@pytest.fixture
def objects(s3_server: s3.S3, tmp_path: Path) -> StoreSettings:
    return s3_server.settings(s3_server.new_bucket(), tmp_path / "scratch")


@pytest.fixture
def gateway(objects: StoreSettings, tmp_path: Path) -> Iterator[SimpleNamespace]:
    with open_house(tmp_path, objects=objects) as house, serving(house, tmp_path, urls=S3Urls(objects)) as found:
        yield found


def begin(gateway: SimpleNamespace, size: int = len(FILM), request_id: str = "r1", **more: object) -> pb.UploadUrls:
    request = pb.CreateUploadUrlsRequest(parent="collections/c", request_id=request_id, size_bytes=size, **more)
    return gateway.stub.CreateUploadUrls(request, timeout=60)


def send(stretch: pb.UploadUrl, data: bytes = FILM) -> int:
    body = data[stretch.offset : stretch.offset + stretch.size_bytes]
    return http.request("PUT", stretch.url, body=body, retries=False).status


def complete(gateway: SimpleNamespace, request_id: str = "r1", **spec: object) -> pb.Video:
    request = pb.CompleteUploadRequest(
        parent="collections/c", request_id=request_id, file_name="film.mp4", spec=pb.VideoSpec(**spec)
    )
    return gateway.stub.CompleteUpload(request, timeout=60)


def parts(gateway: SimpleNamespace) -> list[str]:
    return [found.key for found in gateway.house.store.objects.walk("uploads/")]


def test_a_film_that_is_sent_to_its_addresses_becomes_a_video(gateway: SimpleNamespace) -> None:
    found = begin(gateway, sha256=SHA)
    assert [(one.offset, one.size_bytes) for one in found.urls] == [(0, PART), (PART, PART), (2 * PART, 400_000)]
    assert 0 < found.expire_time.ToNanoseconds() - ledger.now() <= 3600 * 10**9
    # In any order.
    assert [send(one) for one in reversed(found.urls)] == [200, 200, 200]
    video = complete(gateway, labels={"a": "b"})
    assert (video.title, video.sha256, video.size_bytes, dict(video.labels)) == (
        "film.mp4", SHA, len(FILM), {"a": "b"},
    )  # fmt: skip
    assert gateway.house.store.objects.get(f"{video.name}/source") == FILM
    assert parts(gateway) == []
    assert complete(gateway).name == begin(gateway, sha256=SHA).video == video.name


def test_what_is_missing_is_told_and_sent_again(gateway: SimpleNamespace) -> None:
    first = begin(gateway)
    assert [send(first.urls[0]), send(first.urls[2])] == [200, 200]
    reason, _ = refused(lambda: complete(gateway), grpc.StatusCode.FAILED_PRECONDITION)
    assert reason == "CONFLICT"
    (missing,) = begin(gateway).urls
    assert missing.offset == PART
    assert send(missing) == 200
    assert complete(gateway).sha256 == SHA


def test_wrong_bytes_are_refused_and_not_kept(gateway: SimpleNamespace) -> None:
    for one in begin(gateway, sha256=SHA).urls:
        send(one, b"x" * len(FILM))
    refused(lambda: complete(gateway), grpc.StatusCode.DATA_LOSS)
    assert [o.key for o in gateway.house.store.objects.walk("") if "info" not in o.key] == []


def test_more_bytes_than_announced_are_refused_and_not_kept(gateway: SimpleNamespace) -> None:
    last = begin(gateway).urls[-1]
    for one in begin(gateway).urls[:-1]:
        send(one)
    assert http.request("PUT", last.url, body=b"x" * PART, retries=False).status == 200
    _, fields = refused(lambda: complete(gateway), grpc.StatusCode.INVALID_ARGUMENT)
    assert "size_bytes" in fields
    assert parts(gateway) == []


def test_a_request_id_is_of_one_file(gateway: SimpleNamespace) -> None:
    begin(gateway, sha256=SHA)
    _, fields = refused(lambda: begin(gateway, sha256="0" * 64), grpc.StatusCode.INVALID_ARGUMENT)
    assert "request_id" in fields
    refused(lambda: complete(gateway, "other"), grpc.StatusCode.NOT_FOUND)


def test_what_is_sent_after_the_end_harms_no_video_and_is_swept(gateway: SimpleNamespace) -> None:
    house, stretches = gateway.house, begin(gateway).urls
    for one in stretches:
        send(one)
    video = complete(gateway)
    assert send(stretches[0], b"y" * PART) == 200
    assert house.store.objects.get(f"{video.name}/source") == FILM
    # Its upload is remembered still, for it may be asked for again.
    assert (orphans.drop(house.database, house.store), len(parts(gateway))) == (0, 1)
    gateway.stub.DeleteCollection(pb.DeleteCollectionRequest(name="collections/c", force=True), timeout=60)
    house.reconciler.look()
    assert parts(gateway) == []
    assert send(stretches[1]) == 200
    assert (orphans.drop(house.database, house.store), parts(gateway)) == (1, [])


def test_a_video_plays_from_its_address_whole_and_in_ranges(gateway: SimpleNamespace) -> None:
    for one in begin(gateway).urls:
        send(one)
    video = complete(gateway)
    ask = pb.GetMediaUrlRequest(name=video.name)
    assert gateway.stub.GetMediaUrl(ask, timeout=60).media_type == "application/octet-stream"
    keep_plan(gateway, video, "mov,mp4,m4a,3gp,3g2,mj2")
    found = gateway.stub.GetMediaUrl(ask, timeout=60)
    assert found.media_type == "video/mp4"
    whole = http.request("GET", found.url, retries=False)
    assert (whole.status, whole.data, whole.headers["Content-Type"]) == (200, FILM, "video/mp4")
    some = http.request("GET", found.url, headers={"Range": "bytes=7-13"}, retries=False)
    assert (some.status, some.data) == (206, FILM[7:14])
    assert hashlib.sha256(whole.data).hexdigest() == video.sha256


def test_an_address_is_good_for_one_object_one_way_and_a_while(
    gateway: SimpleNamespace, objects: StoreSettings
) -> None:
    for one in begin(gateway).urls:
        send(one)
    url = gateway.stub.GetMediaUrl(pb.GetMediaUrlRequest(name=complete(gateway).name), timeout=60).url
    assert http.request("PUT", url, body=b"x", retries=False).status == 403
    assert http.request("GET", url.replace("/source?", "/other?"), retries=False).status == 403
    key = "collections/c/x"
    gateway.house.store.objects.put(key, b"x")
    old = S3Urls(objects, lambda: datetime.now(UTC) - timedelta(seconds=90))
    assert http.request("GET", old.read(key, 120, "video/mp4"), retries=False).status == 200
    assert http.request("GET", old.read(key, 60, "video/mp4"), retries=False).status == 403
    assert http.request("PUT", old.write(key, 60), body=b"y", retries=False).status == 403


@pytest.mark.parametrize("seconds", [0, 59, 12 * 3600 + 1])
def test_a_lifetime_has_bounds(gateway: SimpleNamespace, seconds: int) -> None:
    lifetime = Duration(seconds=seconds)
    _, fields = refused(lambda: begin(gateway, lifetime=lifetime), grpc.StatusCode.INVALID_ARGUMENT)
    assert "lifetime" in fields


def test_a_folder_has_no_addresses_and_says_what_has(tmp_path: Path) -> None:
    with open_house(tmp_path) as house, serving(house, tmp_path) as gateway:
        name = house.add()
        for ask, instead in (
            (lambda: begin(gateway), "UploadVideo"),
            (lambda: gateway.stub.GetMediaUrl(pb.GetMediaUrlRequest(name=str(name)), timeout=60), "GetFrame"),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                ask()
            assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
            assert instead in caught.value.details()
            assert "VIDX_STORE_URL" in caught.value.details()


def keep_plan(gateway: SimpleNamespace, video: pb.Video, container: str) -> None:
    """As if its decoding had been planned."""
    key = f"{video.name}/decoding/plan"
    stream = VideoStream(0, "h264", 2, 2, 2, 2, Fraction(1, 25))
    gateway.house.store.save(key, Plan(Probe(container, 10, 0, 1, stream), ()))
    with gateway.house.database.write() as session:
        row = ledger.find(session, VideoName.parse(video.name))
        for job in ledger.jobs_of(session, row):
            if job.step == workflow.PLANNING:
                job.artifacts = {"plan": key}
