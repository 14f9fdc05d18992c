"""What a collection may have: videos, bytes, hours, requests a minute, uploads at a time."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
import sqlalchemy as sa
import structlog
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from vidx.gateway.v1 import access_service_pb2 as pb
from vidx.gateway.v1 import video_index_service_pb2 as video_pb
from vidx.gateway.v1.access_service_pb2_grpc import AccessServiceStub

from services.catalog.models import UploadPlace, Video
from tests.fakes.house import House
from tests.fakes.public_api import FILM, SHA, chunks, header, refused, serving, upload

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.fixture
def gateway(house: House, tmp_path: Path) -> Iterator[SimpleNamespace]:
    with serving(house, tmp_path) as found:
        found.access = AccessServiceStub(found.channel)
        yield found


def uploading(gateway) -> int:
    """Uploads under way, as the catalog counts them."""
    with gateway.house.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(UploadPlace)) or 0


def allow(gateway, **bounds) -> pb.Quota:
    quota = pb.Quota(name="collections/c/quota", **bounds)
    request = pb.UpdateQuotaRequest(quota=quota, update_mask=FieldMask(paths=bounds))
    return gateway.access.UpdateQuota(request, timeout=60)


def violation(call) -> tuple[str, str, float | None]:
    """Subject and text of the violation, and the seconds of the hint, of a call that is beyond a quota."""
    assert refused(call, EXHAUSTED)[0] == "QUOTA_EXCEEDED"
    with pytest.raises(grpc.RpcError) as caught:
        call()
    failure, retry = error_details_pb2.QuotaFailure(), error_details_pb2.RetryInfo()
    seconds = None
    for detail in rpc_status.from_call(caught.value).details:
        detail.Unpack(failure)
        if detail.Unpack(retry):
            seconds = retry.retry_delay.ToTimedelta().total_seconds()
    (found,) = failure.violations
    return found.subject, found.description, seconds


def test_without_a_quota_nothing_is_bounded_and_what_is_there_is_counted(gateway) -> None:
    upload(gateway)
    found = gateway.access.GetQuota(pb.GetQuotaRequest(name="collections/c/quota"), timeout=60)
    assert (found.max_videos, found.max_bytes, found.max_requests_per_minute, found.max_uploads) == (0, 0, 0, 0)
    assert (found.videos, found.bytes) == (1, len(FILM))


def test_videos_beyond_the_quota_are_refused_until_one_is_deleted(gateway) -> None:
    first = upload(gateway)
    allow(gateway, max_videos=1)
    assert upload(gateway, request_id="again", sha256=SHA).name == first.name  # the same bytes are no new video
    other = FILM[:-1] + b"!"
    subject, text, seconds = violation(lambda: upload(gateway, other, request_id="r2"))
    assert (subject, text, seconds) == ("collections/c", "at most 1 videos; it has 1: delete some", None)
    gateway.stub.DeleteVideo(video_pb.DeleteVideoRequest(name=first.name), timeout=60)
    assert upload(gateway, other, request_id="r2").name != first.name


def test_bytes_are_refused_before_they_are_sent(gateway) -> None:
    allow(gateway, max_bytes=len(FILM) - 1)
    sent = []

    def messages():
        yield header()
        for chunk in chunks(FILM):
            sent.append(len(chunk.chunk))
            yield chunk

    assert "1400000 would come to them" in violation(lambda: gateway.stub.UploadVideo(messages(), timeout=60))[1]
    kept = gateway.stub.GetUpload(video_pb.GetUploadRequest(parent="collections/c", request_id="r1"), timeout=60)
    assert kept.offset == 0
    (gateway.folder / "imports/film.mp4").write_bytes(FILM)
    fetch = video_pb.ImportVideoRequest(
        parent="collections/c", request_id="i", uri=f"file://{gateway.folder}/imports/film.mp4"
    )
    violation(lambda: gateway.stub.ImportVideo(fetch, timeout=60))
    allow(gateway, max_bytes=len(FILM))
    assert gateway.stub.ImportVideo(fetch, timeout=60).sha256 == SHA
    listed = list(gateway.house.store.objects.walk("collections/c/"))
    assert sum(one.size == len(FILM) for one in listed) == 1  # what was refused lies nowhere


def test_hours_count_what_is_indexed(gateway) -> None:
    video = upload(gateway)
    allow(gateway, max_duration={"seconds": 7200})
    with gateway.house.database.write() as session:
        session.execute(sa.update(Video).values(duration=7200 * 10**9))
    assert gateway.access.GetQuota(pb.GetQuotaRequest(name="collections/c/quota")).duration.seconds == 7200
    text = violation(lambda: upload(gateway, FILM[1:], request_id="r2"))[1]
    assert text == "at most 2 hours of video; it has 2.00: delete some"
    gateway.stub.DeleteVideo(video_pb.DeleteVideoRequest(name=video.name), timeout=60)
    upload(gateway, FILM[1:], request_id="r2")


def test_requests_a_minute_are_counted_by_collection_with_a_hint_when_to_come_back(gateway, monkeypatch) -> None:
    # At the turn of a minute what was counted in the one before counts a little less, and one more would be let in.
    now = time.time()
    monkeypatch.setattr("limits.storage.memory.time", SimpleNamespace(time=lambda: now))
    allow(gateway, max_requests_per_minute=3)
    ask = video_pb.GetCollectionRequest(name="collections/c")
    for _ in range(3):
        gateway.stub.GetCollection(ask, timeout=60)
    subject, text, seconds = violation(lambda: gateway.stub.GetCollection(ask, timeout=60))
    assert (subject, text) == ("collections/c", "at most 3 requests a minute")
    assert 1 <= seconds <= 60
    gateway.stub.CreateCollection(video_pb.CreateCollectionRequest(collection_id="other"), timeout=60)
    for _ in range(5):
        gateway.stub.GetCollection(video_pb.GetCollectionRequest(name="collections/other"), timeout=60)
    assert allow(gateway, max_requests_per_minute=0).max_requests_per_minute == 0


def test_uploads_at_a_time_are_bounded_and_end_with_their_stream(gateway) -> None:
    allow(gateway, max_uploads=1)
    on = threading.Event()

    def slow():
        yield header()
        yield from chunks(FILM[:100_000])
        on.wait(60)
        yield from chunks(FILM[100_000:])

    first = gateway.stub.UploadVideo.future(slow(), timeout=120)
    # What the client has sent the server may not have taken yet, and the other upload would come first.
    end = time.monotonic() + 60
    while not uploading(gateway):
        assert time.monotonic() < end
        time.sleep(0.01)
    subject, text, seconds = violation(lambda: upload(gateway, FILM[1:], request_id="r2"))
    assert (subject, text, seconds) == ("collections/c", "at most 1 uploads at a time", 5)
    on.set()
    assert first.result().sha256 == SHA
    upload(gateway, FILM[1:], request_id="r2")


@pytest.mark.parametrize(
    ("quota", "paths", "field"),
    [
        ({"name": "collections/c"}, [], "quota.name"),
        ({"name": "collections/C/quota"}, [], "quota.name"),
        ({"name": "collections/c/quota", "max_videos": -1}, ["max_videos"], "quota.max_videos"),
        ({"name": "collections/c/quota", "max_duration": {"seconds": 1 << 40}}, [], "quota.max_duration"),
        ({"name": "collections/c/quota"}, ["videos"], "update_mask"),
    ],
)
def test_a_quota_that_cannot_be_is_told(gateway, quota, paths, field: str) -> None:
    asked = pb.UpdateQuotaRequest(quota=pb.Quota(**quota), update_mask=FieldMask(paths=paths))
    call = lambda: gateway.access.UpdateQuota(asked, timeout=60)  # noqa: E731
    assert field in refused(call, grpc.StatusCode.INVALID_ARGUMENT)[1]


def test_the_command_line_sets_and_shows_a_quota(gateway, vidx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDX_ADDRESS", gateway.address)
    with structlog.testing.capture_logs():
        upload(gateway)
        assert vidx("quota", "c", "--videos", "5", "--hours", "1.5").lines == [
            "videos\t1\t5",
            f"bytes\t{len(FILM)}\tany",
            "hours\t0.0\t1.5",
            "requests a minute\t\tany",
            "uploads at a time\t\tany",
        ]
        assert vidx("quota", "c", "--videos", "0").lines[0] == "videos\t1\tany"
        assert vidx("quota", "c").lines[2] == "hours\t0.0\t1.5"
