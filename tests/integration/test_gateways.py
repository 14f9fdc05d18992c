"""Several gateways on one catalog and one store: no update is lost, and nothing is made twice.

On SQLite with a folder, as on one machine, and on PostgreSQL with S3, as on a cluster.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import media_pb2

from services.catalog.models import UploadPlace
from services.catalog.quotas import Quotas
from services.core.chapters import Chapters
from services.core.errors import AlreadyExists, Outdated, QuotaExceeded, VidxError
from services.core.media import VideoInfo
from services.core.names import VideoName
from services.core.text import Transcript
from services.core.times import SECOND
from services.pipeline import ledger
from services.runtime.grpc_client import call
from tests.fakes.house import open_house
from tests.fakes.public_api import FILM, chunks, header, serving, upload
from tests.servers import s3
from tests.servers.postgres import Postgres

ROUNDS = 8
AT_ONCE = 4


@pytest.fixture(params=["one machine", "cluster"])
def gateways(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[SimpleNamespace]]:
    catalog, objects = None, None
    if request.param == "cluster":
        database: Postgres = request.getfixturevalue("postgresql")
        bucket: s3.S3 = request.getfixturevalue("s3_server")
        catalog = database.settings(database.migrated())
        objects = bucket.settings(bucket.new_bucket(), tmp_path / "scratch")
    with ExitStack() as stack:
        houses = [stack.enter_context(open_house(tmp_path, catalog, objects)) for _ in range(2)]
        folders = [tmp_path / f"gateway {i}" for i in range(len(houses))]
        for folder in folders:
            folder.mkdir()
        # All calls may meet at one gateway, which keeps a quarter of its places for other collections.
        pairs = zip(houses, folders, strict=True)
        yield [stack.enter_context(serving(*pair, max_uploads=2 * AT_ONCE)) for pair in pairs]


def at_once(gateways: list[SimpleNamespace], act: Callable[[SimpleNamespace, int], object]) -> list[object]:
    """What `act` gives, or the error that it ends with, of every gateway in every round, all at the same time."""

    def one(number: int) -> object:
        try:
            return act(gateways[number % len(gateways)], number)
        except VidxError as error:
            return error

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(ROUNDS * len(gateways))))


def test_two_gateways_that_change_a_video_lose_no_change(gateways) -> None:
    name = upload(gateways[0]).name

    def change(gateway: SimpleNamespace, number: int) -> object:
        if number % 2:
            video, mask = pb.Video(name=name, title=f"title {number}"), FieldMask(paths=["title"])
        else:
            video, mask = pb.Video(name=name, labels={"round": str(number)}), FieldMask(paths=["labels"])
        return call(gateway.stub.UpdateVideo, pb.UpdateVideoRequest(video=video, update_mask=mask), 60)

    found = at_once(gateways, change)
    assert errors(found) == []
    seen = [call(gateway.stub.GetVideo, pb.GetVideoRequest(name=name), 60) for gateway in gateways]
    assert seen[0] == seen[1]
    # Had one overwritten the other's field with what it had read before, a field would be as it was at first.
    assert seen[0].title.startswith("title ")
    assert int(seen[0].labels["round"]) % 2 == 0
    house = gateways[0].house
    row = house.video(VideoName.parse(name))
    info = house.store.load(row.info_key, VideoInfo)
    assert (info.title, info.labels) == (seen[0].title, dict(seen[0].labels))


def test_changes_of_every_kind_at_once_are_all_kept(gateways) -> None:
    name = upload(gateways[0]).name
    house = gateways[0].house
    with house.database.write() as session:
        ledger.find(session, VideoName.parse(name)).duration = 10 * SECOND
    second = media_pb2.TimeRange(end=Duration(seconds=1))

    def change(gateway: SimpleNamespace, number: int) -> object:
        stub, text = gateway.stub, f"round {number}"
        if number % 4 == 0:
            only = FieldMask(paths=["title"])
            request = pb.UpdateVideoRequest(video=pb.Video(name=name, title=text), update_mask=only)
            return call(stub.UpdateVideo, request, 60)
        if number % 4 == 1:
            only = FieldMask(paths=["labels"])
            request = pb.UpdateVideoRequest(video=pb.Video(name=name, labels={"round": text}), update_mask=only)
            return call(stub.UpdateVideo, request, 60)
        if number % 4 == 2:
            listed = pb.ChapterList(chapters=[pb.Chapter(range=second, title=text)])
            return call(stub.UpdateChapters, pb.UpdateChaptersRequest(parent=name, chapters=listed), 60)
        said = pb.TranscriptSegments(segments=[pb.TranscriptSegment(range=second, text=text)])
        return call(stub.UpdateTranscript, pb.UpdateTranscriptRequest(name=name, segments=said), 60)

    assert errors(at_once(gateways, change)) == []
    info = house.store.load(house.video(VideoName.parse(name)).info_key, VideoInfo)
    (chapter,) = house.store.load(info.chapters_key, Chapters).chapters
    ((cue,),) = (track.cues for track in house.store.load(info.transcript_key, Transcript).tracks)
    kept = [info.title, info.labels["round"], chapter.title, cue.text]
    # What is kept of each kind was asked for by a change of that kind: none wrote what another had not read.
    assert [int(text.removeprefix("round ")) % 4 for text in kept] == [0, 1, 2, 3]


def test_of_changes_for_one_state_of_a_video_one_is_made(gateways) -> None:
    video = upload(gateways[0])

    def change(gateway: SimpleNamespace, number: int) -> object:
        changed = pb.Video(name=video.name, title=f"title {number}", etag=video.etag)
        request = pb.UpdateVideoRequest(video=changed, update_mask=FieldMask(paths=["title"]))
        return call(gateway.stub.UpdateVideo, request, 60).title

    found = at_once(gateways, change)
    (made,) = (title for title in found if isinstance(title, str))
    assert {type(error) for error in errors(found)} == {Outdated}
    assert call(gateways[1].stub.GetVideo, pb.GetVideoRequest(name=video.name), 60).title == made


def errors(found: list[object]) -> list[VidxError]:
    return [one for one in found if isinstance(one, VidxError)]


def names(gateway: SimpleNamespace) -> list[VideoName]:
    listed = call(gateway.stub.ListVideos, pb.ListVideosRequest(parent="collections/c"), 60)
    return [VideoName.parse(video.name) for video in listed.videos]


def test_the_same_request_at_two_gateways_is_one_video(gateways) -> None:
    found = at_once(gateways, lambda gateway, number: upload(gateway, request_id="the-same").name)
    made = {name for name in found if isinstance(name, str)}
    assert len(made) == 1
    assert len(names(gateways[0])) == 1


def test_a_collection_is_made_once(gateways) -> None:
    def make(gateway: SimpleNamespace, number: int) -> object:
        request = pb.CreateCollectionRequest(collection_id="new", request_id=f"r{number}")
        return call(gateway.stub.CreateCollection, request, 60).name

    found = at_once(gateways, make)
    assert found.count("collections/new") == 1
    assert all(isinstance(one, AlreadyExists) for one in found if one != "collections/new")


def test_a_video_that_one_gateway_removes_is_gone_at_the_other(gateways) -> None:
    name = upload(gateways[0]).name
    call(gateways[1].stub.DeleteVideo, pb.DeleteVideoRequest(name=name), 60)
    assert names(gateways[0]) == []


def places(gateway: SimpleNamespace) -> int:
    """Uploads under way that the catalog knows of."""
    with gateway.house.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(UploadPlace)) or 0


def test_uploads_at_a_time_are_bounded_over_both(gateways) -> None:
    Quotas(gateways[0].house.database).change("c", {"uploads": 1})
    on = threading.Event()

    def slow() -> Iterator[pb.UploadVideoRequest]:
        yield header(request_id="slow")
        yield from chunks(FILM[:100_000])
        on.wait(120)
        yield from chunks(FILM[100_000:])

    first = gateways[0].stub.UploadVideo.future(slow(), timeout=120)
    deadline = time.monotonic() + 60
    while not places(gateways[0]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for gateway in gateways:
        asked = iter([header(request_id="r2"), *chunks(FILM)])
        with pytest.raises(QuotaExceeded, match="at most 1 uploads at a time"):
            call(gateway.stub.UploadVideo, asked, 60)
    on.set()
    first.result()
    assert upload(gateways[1], FILM[1:], request_id="r2").name in map(str, names(gateways[0]))
