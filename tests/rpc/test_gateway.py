"""The public API over a real server: resumable uploads, idempotency, pages, errors with details."""

import hashlib
import time
from collections.abc import Iterator
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import media_pb2, text_pb2

from services.core.media import Shot, Shots
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange
from services.gateway.rpc import SERVICE
from services.pipeline import ledger
from tests.fakes.public_api import FILM, SHA, chunks, header, refused, serving, upload


@pytest.fixture
def gateway(house, tmp_path) -> Iterator[SimpleNamespace]:
    with serving(house, tmp_path) as found:
        yield found


def objects(gateway) -> list[str]:
    return [o.key for o in gateway.house.store.objects.walk("")]


def test_an_uploaded_video_is_stored_whole_and_begins_its_way(gateway) -> None:
    video = upload(gateway, sha256=SHA, spec=pb.VideoSpec(labels={"site": "north"}))
    assert (video.title, video.state, video.size_bytes, video.sha256) == (
        "film.mp4", pb.Video.PROCESSING, len(FILM), SHA,
    )  # fmt: skip
    assert video.labels == {"site": "north"}
    assert [s.stage for s in video.stages] == [
        "decoding", "embedding", "transcription", "captioning", "chaptering", "search",
    ]  # fmt: skip
    assert gateway.house.store.objects.get(f"{video.name}/source") == FILM
    assert not [k for k in objects(gateway) if k.startswith("uploads/")]


def test_a_broken_upload_goes_on_where_it_stopped(gateway) -> None:
    film = b"longer " * 1_300_000
    request = pb.GetUploadRequest(parent="collections/c", request_id="r1")

    def breaks():
        yield header(size_bytes=len(film))
        yield from chunks(film[:-100_000])
        wait_for(lambda: gateway.stub.GetUpload(request, timeout=60).offset)
        raise ConnectionError

    with pytest.raises(grpc.RpcError):
        gateway.stub.UploadVideo(breaks(), timeout=60)
    offset = gateway.stub.GetUpload(request, timeout=60).offset
    assert 0 < offset < len(film)

    def rest():
        yield header(size_bytes=len(film), offset=offset, sha256=hashlib.sha256(film).hexdigest())
        yield from chunks(film[offset:])

    video = gateway.stub.UploadVideo(rest(), timeout=60)
    assert gateway.house.store.objects.get(f"{video.name}/source") == film
    assert gateway.stub.GetUpload(request, timeout=60).video == video.name


def wait_for(look):
    """What `look` finds, once it finds something."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if found := look():
                return found
        except grpc.RpcError:
            pass
        time.sleep(0.01)
    raise AssertionError("never came")


def test_a_stream_that_ends_early_is_refused_and_its_bytes_are_kept(gateway) -> None:
    reason, fields = refused(
        lambda: upload(gateway, FILM[:500_000], size_bytes=len(FILM)), grpc.StatusCode.INVALID_ARGUMENT
    )
    assert reason == "INVALID_INPUT"
    assert "size_bytes" in fields
    got = gateway.stub.GetUpload(pb.GetUploadRequest(parent="collections/c", request_id="r1"), timeout=60)
    assert got.offset == 500_000


def test_another_file_is_not_joined_to_the_parts_of_the_first(gateway) -> None:
    refused(lambda: upload(gateway, FILM[:500_000], size_bytes=len(FILM)), grpc.StatusCode.INVALID_ARGUMENT)
    other = b"x" * (len(FILM) + 1)
    _, fields = refused(lambda: upload(gateway, other), grpc.StatusCode.INVALID_ARGUMENT)
    assert "request_id" in fields
    assert upload(gateway).sha256 == SHA


def test_a_wrong_checksum_is_refused_and_nothing_is_left(gateway) -> None:
    reason, _ = refused(lambda: upload(gateway, sha256="0" * 64), grpc.StatusCode.DATA_LOSS)
    assert reason == "CHECKSUM_MISMATCH"
    assert objects(gateway) == []
    assert not gateway.stub.ListVideos(pb.ListVideosRequest(parent="collections/c"), timeout=60).videos


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"size_bytes": 0}, grpc.StatusCode.INVALID_ARGUMENT, "size_bytes"),
        ({"size_bytes": 10_000_001}, grpc.StatusCode.INVALID_ARGUMENT, "size_bytes"),
        ({"size_bytes": 5}, grpc.StatusCode.INVALID_ARGUMENT, "size_bytes"),
        ({"sha256": "abc"}, grpc.StatusCode.INVALID_ARGUMENT, "sha256"),
        ({"offset": 7}, grpc.StatusCode.INVALID_ARGUMENT, "offset"),
        ({"offset": -7}, grpc.StatusCode.INVALID_ARGUMENT, "offset"),
        ({"request_id": ""}, grpc.StatusCode.INVALID_ARGUMENT, "request_id"),
        ({"request_id": "a b"}, grpc.StatusCode.INVALID_ARGUMENT, "request_id"),
        ({"request_id": "x" * 129}, grpc.StatusCode.INVALID_ARGUMENT, "request_id"),
        ({"parent": "collections/../c"}, grpc.StatusCode.INVALID_ARGUMENT, "parent"),
        ({"parent": "collections/none"}, grpc.StatusCode.NOT_FOUND, None),
        ({"spec": pb.VideoSpec(labels={"Bad Key": "x"})}, grpc.StatusCode.INVALID_ARGUMENT, "spec.labels"),
        ({"spec": pb.VideoSpec(title="x" * 501)}, grpc.StatusCode.INVALID_ARGUMENT, "title"),
    ],
)
def test_a_wrong_header_is_refused_with_the_field_and_leaves_nothing(gateway, changes, code, field) -> None:
    _, fields = refused(lambda: upload(gateway, **changes), code)
    assert field is None or field in fields
    assert not [k for k in objects(gateway) if k.startswith("collections/")]


def test_an_upload_without_a_header_is_refused(gateway) -> None:
    for messages in ([], [pb.UploadVideoRequest(chunk=b"x")], [header(), header()]):
        refused(lambda m=messages: gateway.stub.UploadVideo(iter(m), timeout=60), grpc.StatusCode.INVALID_ARGUMENT)


@pytest.mark.parametrize(
    ("file_name", "title"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\nb\"c'.mp4", "a b\"c'.mp4"),
        ("C:\\films\\x.mp4", "x.mp4"),
        ("..", ".."),
        ("\0", "untitled"),
        ("", "untitled"),
    ],
)
def test_a_file_name_becomes_a_title_and_never_a_path(gateway, file_name: str, title: str) -> None:
    video = upload(gateway, file_name=file_name)
    assert video.title == title
    assert all(k.startswith((video.name, "uploads/")) for k in objects(gateway))


def test_the_same_request_and_the_same_bytes_are_one_video_unless_asked_otherwise(gateway) -> None:
    first = upload(gateway)
    assert upload(gateway).name == first.name
    assert upload(gateway, request_id="r2").name == first.name
    other = upload(gateway, request_id="r3", spec=pb.VideoSpec(allow_duplicate=True))
    assert other.name != first.name
    assert upload(gateway, request_id="r3", spec=pb.VideoSpec(allow_duplicate=True)).name == other.name
    assert len(gateway.stub.ListVideos(pb.ListVideosRequest(parent="collections/c"), timeout=60).videos) == 2
    sources = [k for k in objects(gateway) if k.endswith("/source")]
    assert len(sources) == 2


def test_a_subtitle_file_is_kept_with_its_video_and_can_be_given_later(gateway) -> None:
    plain = upload(gateway)
    assert plain.subtitle_file == ""
    given = pb.SubtitleFile(file_name="../talk.SRT", content=b"1 2 hello")
    video = upload(gateway, request_id="r2", spec=pb.VideoSpec(subtitles=given))
    assert (video.name, video.subtitle_file) == (plain.name, "talk.SRT")
    found = [k for k in objects(gateway) if "subtitle_file" in k]
    assert [gateway.house.store.objects.get(k) for k in found] == [given.content]
    gateway.stub.DeleteVideo(pb.DeleteVideoRequest(name=video.name), timeout=60)
    assert objects(gateway) == []


@pytest.mark.parametrize(
    ("file_name", "content", "field"),
    [
        ("talk.srt", b"1 2 hello\nrubbish", "spec.subtitles.content"),
        ("talk.exe", b"x", "spec.subtitles.file_name"),
        ("", b"x", "spec.subtitles.file_name"),
        ("talk.srt", b"", "spec.subtitles.content"),
        ("talk.srt", b"x" * (8 * 2**20 + 1), "spec.subtitles.content"),
    ],
)
def test_a_subtitle_file_that_is_none_is_refused(gateway, file_name: str, content: bytes, field: str) -> None:
    spec = pb.VideoSpec(subtitles=pb.SubtitleFile(file_name=file_name, content=content))
    _, fields = refused(lambda: upload(gateway, spec=spec), grpc.StatusCode.INVALID_ARGUMENT)
    assert field in fields


def test_a_deleted_video_can_be_uploaded_anew_with_the_same_request(gateway) -> None:
    first = upload(gateway)
    gateway.stub.DeleteVideo(pb.DeleteVideoRequest(name=first.name), timeout=60)
    second = upload(gateway)
    assert second.name != first.name
    assert second.state == pb.Video.PROCESSING


def test_a_disk_that_is_full_refuses_the_upload_and_keeps_the_rest(gateway) -> None:
    first = upload(gateway)
    disk = gateway.house.store.objects._objects
    disk._min_free = 1 << 60
    reason, _ = refused(lambda: upload(gateway, b"more", request_id="r2"), grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert reason == "STORAGE_FULL"
    disk._min_free = 0
    assert gateway.stub.GetVideo(pb.GetVideoRequest(name=first.name), timeout=60).state == pb.Video.PROCESSING
    assert upload(gateway, b"more", request_id="r2").size_bytes == 4


def test_collections_are_made_listed_and_removed(gateway) -> None:
    stub = gateway.stub
    made = stub.CreateCollection(pb.CreateCollectionRequest(collection_id="films", request_id="q"), timeout=60)
    again = stub.CreateCollection(pb.CreateCollectionRequest(collection_id="films", request_id="q"), timeout=60)
    assert made == again
    create = pb.CreateCollectionRequest(collection_id="films")
    refused(lambda: stub.CreateCollection(create, timeout=60), grpc.StatusCode.ALREADY_EXISTS)
    for bad in ("", "A b", "../x", "a'b", "x" * 64):
        request = pb.CreateCollectionRequest(collection_id=bad)
        _, fields = refused(lambda r=request: stub.CreateCollection(r, timeout=60), grpc.StatusCode.INVALID_ARGUMENT)
        assert "collection_id" in fields
    upload(gateway)
    delete = pb.DeleteCollectionRequest(name="collections/c")
    refused(lambda: stub.DeleteCollection(delete, timeout=60), grpc.StatusCode.FAILED_PRECONDITION)
    removed = stub.DeleteCollection(pb.DeleteCollectionRequest(name="collections/c", force=True), timeout=60).removed
    assert (removed.videos, removed.objects >= 2, removed.bytes > len(FILM)) == (1, True, True)
    names = [c.name for c in stub.ListCollections(pb.ListCollectionsRequest(), timeout=60).collections]
    assert names == ["collections/films"]
    refused(lambda: stub.DeleteCollection(delete, timeout=60), grpc.StatusCode.NOT_FOUND)


def test_the_labels_of_a_collection_are_given_with_it_and_can_be_changed(gateway) -> None:
    create = pb.CreateCollectionRequest(collection_id="films", shot_labels=["a tree", " a car ", "a tree"])
    made = gateway.stub.CreateCollection(create, timeout=60)
    assert list(made.shot_labels) == ["a tree", "a car"]
    change = pb.UpdateCollectionRequest(collection=pb.Collection(name=made.name, shot_labels=["a dog"]))
    assert list(gateway.stub.UpdateCollection(change, timeout=60).shot_labels) == ["a dog"]
    found = gateway.stub.GetCollection(pb.GetCollectionRequest(name=made.name), timeout=60)
    assert list(found.shot_labels) == ["a dog"]
    change.update_mask.paths.append("create_time")
    _, fields = refused(lambda: gateway.stub.UpdateCollection(change, timeout=60), grpc.StatusCode.INVALID_ARGUMENT)
    assert "update_mask" in fields
    for bad in ([""], ["x" * 101], ["two\nlines"], [str(i) for i in range(257)]):
        create = pb.CreateCollectionRequest(collection_id="other", shot_labels=bad)
        _, fields = refused(
            lambda r=create: gateway.stub.CreateCollection(r, timeout=60), grpc.StatusCode.INVALID_ARGUMENT
        )
        assert "shot_labels" in fields
    unknown = pb.UpdateCollectionRequest(collection=pb.Collection(name="collections/none"))
    refused(lambda: gateway.stub.UpdateCollection(unknown, timeout=60), grpc.StatusCode.NOT_FOUND)


def test_lists_come_in_pages_and_a_token_belongs_to_its_request(gateway) -> None:
    for i in range(5):
        upload(gateway, b"film %d" % i, request_id=f"r{i}")
    seen, token = [], ""
    while True:
        request = pb.ListVideosRequest(parent="collections/c", page_size=2, page_token=token)
        page = gateway.stub.ListVideos(request, timeout=60)
        seen += [v.name for v in page.videos]
        token = page.next_page_token
        if not token:
            break
        last = token
    assert len(seen) == len(set(seen)) == 5
    for bad in (last, "rubbish", "e30="):
        request = pb.ListVideosRequest(parent="collections/c", page_token=bad, state=pb.Video.READY)
        refused(lambda r=request: gateway.stub.ListVideos(r, timeout=60), grpc.StatusCode.INVALID_ARGUMENT)
    gateway.house.pipeline.dispatch()
    gateway.house.work()
    ready = gateway.stub.ListVideos(pb.ListVideosRequest(parent="collections/c", state=pb.Video.READY), timeout=60)
    assert len(ready.videos) == 5
    failed = gateway.stub.ListVideos(pb.ListVideosRequest(parent="collections/c", state=pb.Video.FAILED), timeout=60)
    assert not failed.videos
    below = pb.ListVideosRequest(parent="collections/c", page_size=-1)
    refused(lambda: gateway.stub.ListVideos(below, timeout=60), grpc.StatusCode.INVALID_ARGUMENT)


def test_watching_tells_each_stage_until_the_video_is_ready(gateway) -> None:
    video = upload(gateway)
    stream = gateway.stub.WatchVideo(pb.WatchVideoRequest(name=video.name), timeout=60)
    first = next(stream)
    assert first.state == pb.Video.PROCESSING
    gateway.house.pipeline.dispatch()
    gateway.house.work(segments=3)
    last = list(stream)[-1]
    assert last.state == pb.Video.READY
    assert last.row_count == 7
    assert [(s.stage, s.state, s.done, s.total) for s in last.stages] == [
        ("decoding", pb.Stage.SUCCEEDED, 5, 5),
        ("embedding", pb.Stage.SUCCEEDED, 6, 6),
        ("transcription", pb.Stage.SUCCEEDED, 5, 5),
        ("captioning", pb.Stage.SUCCEEDED, 7, 7),
        ("chaptering", pb.Stage.SUCCEEDED, 2, 2),
        ("search", pb.Stage.SUCCEEDED, 1, 1),
    ]


def test_watchers_beyond_the_bound_are_told_to_come_back(gateway) -> None:
    video = upload(gateway)
    request = pb.WatchVideoRequest(name=video.name)
    streams = [gateway.stub.WatchVideo(request, timeout=60) for _ in range(2)]
    for stream in streams:
        next(stream)
    refused(lambda: next(gateway.stub.WatchVideo(request, timeout=60)), grpc.StatusCode.RESOURCE_EXHAUSTED)
    for stream in streams:
        stream.cancel()


def test_title_and_labels_can_be_changed_and_nothing_else(gateway) -> None:
    video = upload(gateway)
    change = pb.Video(name=video.name, title="new", labels={"a": "b"})
    masked = pb.UpdateVideoRequest(video=change, update_mask=FieldMask(paths=["title"]))
    assert dict(gateway.stub.UpdateVideo(masked, timeout=60).labels) == {}
    both = gateway.stub.UpdateVideo(pb.UpdateVideoRequest(video=change), timeout=60)
    assert (both.title, dict(both.labels)) == ("new", {"a": "b"})
    wrong = pb.UpdateVideoRequest(video=change, update_mask=FieldMask(paths=["state"]))
    _, fields = refused(lambda: gateway.stub.UpdateVideo(wrong, timeout=60), grpc.StatusCode.INVALID_ARGUMENT)
    assert "update_mask" in fields


def test_what_was_changed_since_it_was_read_is_neither_changed_nor_removed(gateway) -> None:
    old = upload(gateway)
    house, name = gateway.house, old.name
    with house.database.write() as session:
        ledger.find(session, VideoName.parse(name)).duration = 10 * SECOND
    new = gateway.stub.UpdateVideo(
        pb.UpdateVideoRequest(video=pb.Video(name=name, title="new", etag=old.etag)), timeout=60
    )
    assert new.etag != old.etag
    second = media_pb2.TimeRange(end=Duration(seconds=1))
    said = pb.TranscriptSegments(segments=[pb.TranscriptSegment(range=second, text="words")])
    chapters = pb.ChapterList(chapters=[pb.Chapter(range=second, title="one")])
    requests = [
        (gateway.stub.UpdateVideo, pb.UpdateVideoRequest(video=pb.Video(name=name, title="newer", etag=old.etag))),
        (gateway.stub.UpdateTranscript, pb.UpdateTranscriptRequest(name=name, segments=said, etag=old.etag)),
        (gateway.stub.UpdateTranscript, pb.UpdateTranscriptRequest(name=name, etag=old.etag)),
        (gateway.stub.UpdateChapters, pb.UpdateChaptersRequest(parent=name, chapters=chapters, etag=old.etag)),
        (gateway.stub.UpdateChapters, pb.UpdateChaptersRequest(parent=name, etag=old.etag)),
        (gateway.stub.DeleteVideo, pb.DeleteVideoRequest(name=name, etag=old.etag)),
    ]
    for method, request in requests:
        reason, _ = refused(lambda m=method, r=request: m(r, timeout=60), grpc.StatusCode.ABORTED)
        assert reason == "OUTDATED"
    kept = gateway.stub.GetVideo(pb.GetVideoRequest(name=name), timeout=60)
    assert (kept.title, kept.etag) == ("new", new.etag)
    # Progress is no change of what is said.
    house.pipeline.dispatch()
    house.work(until="decoding.segment")
    gateway.stub.DeleteVideo(pb.DeleteVideoRequest(name=name, etag=new.etag), timeout=60)


def test_shots_come_in_pages_once_they_are_known(gateway) -> None:
    video = upload(gateway)
    request = pb.ListShotsRequest(parent=video.name, page_size=2)
    refused(lambda: gateway.stub.ListShots(request, timeout=60), grpc.StatusCode.FAILED_PRECONDITION)
    gateway.house.pipeline.dispatch()
    gateway.house.work()
    shots = Shots(tuple(Shot(i, TimeRange(i * 10, i * 10 + 10)) for i in range(3)))
    gateway.house.store.save(f"{video.name}/decoding/shots", shots)
    page = gateway.stub.ListShots(request, timeout=60)
    request.page_token = page.next_page_token
    rest = gateway.stub.ListShots(request, timeout=60)
    assert [s.index for s in [*page.shots, *rest.shots]] == [0, 1, 2]
    assert not rest.next_page_token


def test_a_search_is_passed_on_with_all_that_it_says(gateway) -> None:
    request = pb.SearchRequest(
        parent="collections/c", query="a cat", page_size=3, max_moments_per_video=2, min_score=0.25
    )
    request.filter.labels["site"] = "north"
    request.filter.shot_labels.append("a tree")
    request.tracks.add(track=text_pb2.SPEECH, weight=0.5)
    assert not gateway.stub.Search(request, timeout=60).facets
    request.with_facets = True
    found = gateway.stub.Search(request, timeout=60)
    assert found.moments[0].score == 0.5
    assert [(f.label, f.count) for f in found.facets] == [("a tree", 3)]
    asked = gateway.search.asked[-1]
    assert (asked.query, asked.page_size, asked.max_moments_per_video, asked.min_score) == ("a cat", 3, 2, 0.25)
    assert (asked.filter.labels, list(asked.filter.shot_labels)) == ({"site": "north"}, ["a tree"])
    assert [(t.track, t.weight) for t in asked.tracks] == [(text_pb2.SPEECH, 0.5)]
    unknown = pb.SearchRequest(parent="collections/none", query="x")
    refused(lambda: gateway.stub.Search(unknown, timeout=60), grpc.StatusCode.NOT_FOUND)
    down = pb.SearchRequest(parent="collections/c", query="down")
    refused(lambda: gateway.stub.Search(down, timeout=60), grpc.StatusCode.UNAVAILABLE)


def test_unknown_videos_and_wrong_names_are_told_apart(gateway) -> None:
    for name, code in [
        ("collections/c/videos/none", grpc.StatusCode.NOT_FOUND),
        ("collections/c/videos/../x", grpc.StatusCode.INVALID_ARGUMENT),
        ("collections/c/videos/a'b", grpc.StatusCode.INVALID_ARGUMENT),
        ("", grpc.StatusCode.INVALID_ARGUMENT),
    ]:
        for method, request in [
            (gateway.stub.GetVideo, pb.GetVideoRequest(name=name)),
            (gateway.stub.DeleteVideo, pb.DeleteVideoRequest(name=name)),
            (gateway.stub.RetryVideo, pb.RetryVideoRequest(name=name)),
            (gateway.stub.CancelVideo, pb.CancelVideoRequest(name=name)),
            (gateway.stub.GetFrame, pb.GetFrameRequest(name=name)),
            (gateway.stub.ListShots, pb.ListShotsRequest(parent=name)),
            (gateway.stub.GetTranscript, pb.GetTranscriptRequest(name=name)),
            (gateway.stub.ExportTranscript, pb.ExportTranscriptRequest(name=name)),
            (gateway.stub.UpdateTranscript, pb.UpdateTranscriptRequest(name=name)),
            (gateway.stub.ListCaptions, pb.ListCaptionsRequest(parent=name)),
            (gateway.stub.ListOnScreenText, pb.ListOnScreenTextRequest(parent=name)),
        ]:
            refused(lambda m=method, r=request: m(r, timeout=60), code)


def test_an_import_reads_only_inside_the_allowed_folder(gateway) -> None:
    inside = gateway.folder / "imports" / "my film.mp4"
    inside.write_bytes(FILM)
    (gateway.folder / "imports" / "link.mp4").symlink_to("/etc/passwd")

    def bring(uri: str, request_id: str = "i1") -> pb.Video:
        request = pb.ImportVideoRequest(parent="collections/c", uri=uri, request_id=request_id)
        return gateway.stub.ImportVideo(request, timeout=60)

    video = bring(inside.as_uri())
    assert (video.title, video.sha256) == ("my film.mp4", SHA)
    assert bring("file:///gone", "i1").name == video.name
    folder = (gateway.folder / "imports").as_uri()
    for uri in ("file:///etc/passwd", f"{folder}/../secret", f"{folder}/link.mp4", f"{folder}/%2e%2e/catalog.db"):
        refused(lambda u=uri: bring(u, "i2"), grpc.StatusCode.PERMISSION_DENIED)
    refused(lambda: bring(f"{folder}/none.mp4", "i2"), grpc.StatusCode.NOT_FOUND)
    refused(lambda: bring("http://127.0.0.1/x.mp4", "i2"), grpc.StatusCode.PERMISSION_DENIED)
    refused(lambda: bring("s3://bucket/key", "i2"), grpc.StatusCode.PERMISSION_DENIED)
    for uri in ("ftp://host/x", "concat:/etc/passwd", "", "file://other/etc/passwd"):
        refused(lambda u=uri: bring(u, "i2"), grpc.StatusCode.INVALID_ARGUMENT)


def test_health_and_reflection_are_served(gateway) -> None:
    health = health_pb2_grpc.HealthStub(gateway.channel)
    for service in ("", SERVICE.full_name):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection = reflection_pb2_grpc.ServerReflectionStub(gateway.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answer = next(reflection.ServerReflectionInfo(iter([request]), timeout=60))
    assert SERVICE.full_name in {s.name for s in answer.list_services_response.service}
