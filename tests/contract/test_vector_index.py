"""Every index of pictures behaves alike: the exact one in memory, and Milvus."""

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.core.names import VideoName
from services.core.times import SECOND, TimeRange
from services.search.domain.query import Scope
from services.search.domain.rows import FRAME, SHOT, Row, label_token, row_id
from services.search.milvus import MilvusIndex
from services.search.ports import VectorIndex
from services.search.settings import SearchSettings
from tests.fakes.search import FakeIndex
from tests.servers import milvus

DIM = 16
SPACE = "pack one/1.0_a"
AWKWARD = "it's \"quoted\" \\ back\\\\slash\nnew line %_ {x} ünï 🦊 ') or 1 == 1"
HOUR = 3600 * SECOND


def settings(uri: str) -> SearchSettings:
    """Patient: on a busy machine a server that is there may take its time."""
    return SearchSettings(
        milvus_uri=uri,
        milvus_prefix=f"t{uuid.uuid4().hex[:12]}",
        embedding_address="127.0.0.1:1",
        connect_timeout_s=60,
        search_timeout_s=60,
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with milvus.serving(tmp_path_factory.mktemp("milvus") / "data") as (uri, _):
        yield uri


@pytest.fixture(params=["memory", "milvus"])
def index(request: pytest.FixtureRequest) -> Iterator[VectorIndex]:
    if request.param == "memory":
        yield FakeIndex()
        return
    real = MilvusIndex(settings(request.getfixturevalue("server")))
    yield real
    real.close()


def unit(seed: int, count: int) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), dtype=np.float32)


def rows(
    video: VideoName,
    count: int = 12,
    revision: str = "a1",
    added: int = 1_800_000_000_000_000_001,
    duration: int = HOUR,
    labels: tuple[str, ...] = (),
    shot_labels: tuple[str, ...] = (),
    seed: int = 0,
) -> list[Row]:
    """Frames of one second in shots of four, and the shots' own rows."""
    vectors = unit(seed, count)
    made = []
    for i in range(count):
        shot = i // 4
        whole = TimeRange(shot * 4 * SECOND, (shot + 1) * 4 * SECOND)
        common = {
            "video": video, "shot": shot, "shot_range": whole, "added": added, "duration": duration, "labels": labels,
            "shot_labels": shot_labels[: shot + 1], "revision": revision, "vector": vectors[i],
        }  # fmt: skip
        part = TimeRange(i * SECOND, (i + 1) * SECOND)
        made.append(
            Row(
                id=row_id(video.collection, video.video, FRAME, part.start),
                kind=FRAME,
                range=part,
                frame_time=part.start,
                **common,  # type: ignore[arg-type]
            )
        )
        if i % 4 == 0:
            made.append(
                Row(
                    id=row_id(video.collection, video.video, SHOT, whole.start),
                    kind=SHOT,
                    range=whole,
                    frame_time=whole.start,
                    **common,  # type: ignore[arg-type]
                )
            )
    return made


def write(index: VectorIndex, made: list[Row], space: str = SPACE) -> None:
    index.prepare(space, DIM)
    index.upsert(space, made)
    index.settle(space, made[0].video, made[0].revision)


def found(index: VectorIndex, scope: Scope, limit: int = 100, seed: int = 99) -> set[str]:
    return {h.video for h in index.search(SPACE, unit(seed, 1)[0], scope, limit)}


A, B = VideoName("films", "a"), VideoName("films", "b")


def test_rows_written_twice_are_there_once(index: VectorIndex) -> None:
    write(index, rows(A))
    write(index, rows(A))
    assert index.count(SPACE, A) == 15
    assert len(index.search(SPACE, unit(1, 1)[0], Scope("films"), 100)) == 12


def test_a_search_sees_rows_as_soon_as_they_are_settled(index: VectorIndex) -> None:
    for number in range(4):
        video = VideoName("films", f"v{number}")
        made = rows(video, seed=number)
        write(index, made)
        best = index.search(SPACE, made[0].vector, Scope("films"), 1)[0]
        assert (best.video, best.frame_time) == (video.video, 0)
        assert best.cosine == pytest.approx(1, abs=1e-5)


def test_hits_are_frames_with_exact_times_best_first(index: VectorIndex) -> None:
    made = rows(A)
    write(index, made)
    vector = unit(5, 1)[0]
    hits = index.search(SPACE, vector, Scope("films"), 5)
    expected = sorted((r for r in made if r.kind == FRAME), key=lambda r: -float(r.vector @ vector))[:5]
    assert [(h.frame_time, h.start, h.end, h.shot, h.shot_start, h.shot_end) for h in hits] == [
        (r.frame_time, r.range.start, r.range.end, r.shot, r.shot_range.start, r.shot_range.end) for r in expected
    ]
    assert [h.cosine for h in hits] == pytest.approx([float(r.vector @ vector) for r in expected], abs=1e-5)


def test_times_keep_every_nanosecond(index: VectorIndex) -> None:
    late = 2**53 + 1
    row = rows(A, 1)[0]
    exact = TimeRange(late, late + 3)
    write(index, [Row(row.id, A, FRAME, 0, exact, exact, late + 2, late, late, (), (), "a1", row.vector)])
    hit = index.search(SPACE, row.vector, Scope("films", range=TimeRange(late + 2, late + 9)), 1)[0]
    assert (hit.start, hit.end, hit.frame_time, hit.shot_start, hit.shot_end) == (
        late,
        late + 3,
        late + 2,
        late,
        late + 3,
    )
    assert not index.search(SPACE, row.vector, Scope("films", range=TimeRange(late + 3, late + 9)), 1)


def test_rows_of_another_revision_go_when_a_video_is_settled(index: VectorIndex) -> None:
    write(index, rows(A, 12, "a1"))
    write(index, rows(B, 12, "a1"))
    write(index, rows(A, 4, "b2"))
    assert (index.count(SPACE, A), index.count(SPACE, B)) == (5, 15)


def test_delete_removes_one_video_from_every_space_and_says_how_many(index: VectorIndex) -> None:
    write(index, rows(A))
    write(index, rows(B))
    write(index, rows(A), space="other")
    assert index.delete(A) == 30
    assert index.delete(A) == 0
    assert (index.count(SPACE, A), index.count("other", A), index.count(SPACE, B)) == (0, 0, 15)
    assert found(index, Scope("films")) == {"b"}


def test_a_deleted_video_can_be_written_again(index: VectorIndex) -> None:
    write(index, rows(A))
    index.delete(A)
    write(index, rows(A))
    assert index.count(SPACE, A) == 15
    assert found(index, Scope("films")) == {"a"}


def test_collections_do_not_see_each_other(index: VectorIndex) -> None:
    twin = VideoName("other", "a")
    write(index, rows(A))
    write(index, rows(twin, 4))
    assert len(index.search(SPACE, unit(1, 1)[0], Scope("other"), 100)) == 4
    assert (index.count(SPACE, A), index.count(SPACE, twin)) == (15, 5)
    assert index.delete(twin) == 5
    assert index.count(SPACE, A) == 15
    assert not index.search(SPACE, unit(1, 1)[0], Scope("nobody"), 100)


def test_spaces_do_not_see_each_other(index: VectorIndex) -> None:
    write(index, rows(A))
    assert not index.search("another", unit(1, 1)[0], Scope("films"), 10)
    assert index.pools("another", unit(1, 1), [rows(A)[0].id]) == {}
    assert not index.label_counts("another", Scope("films"))
    assert index.count("another", A) == 0


def test_filter_by_video(index: VectorIndex) -> None:
    for video in (A, B, VideoName("films", "c")):
        write(index, rows(video))
    assert found(index, Scope("films", videos=("a", "c"))) == {"a", "c"}
    assert found(index, Scope("films", videos=("nobody",))) == set()


def test_filter_by_labels_of_any_text(index: VectorIndex) -> None:
    write(index, rows(A, labels=(label_token("lang", "en"), label_token("note", AWKWARD))))
    write(index, rows(B, labels=(label_token("lang", "en"),)))
    assert found(index, Scope("films", labels={"lang": "en"})) == {"a", "b"}
    assert found(index, Scope("films", labels={"note": AWKWARD})) == {"a"}
    assert found(index, Scope("films", labels={"lang": "en", "note": AWKWARD})) == {"a"}
    assert found(index, Scope("films", labels={"lang": "de"})) == set()
    assert found(index, Scope("films", labels={"note": AWKWARD[:-1]})) == set()


def test_filter_by_time_added_is_half_open(index: VectorIndex) -> None:
    at = 1_800_000_000_000_000_001
    write(index, rows(A, added=at))
    write(index, rows(B, added=at + 1))
    assert found(index, Scope("films", added_after=at + 1)) == {"b"}
    assert found(index, Scope("films", added_before=at + 1)) == {"a"}
    assert found(index, Scope("films", added_after=at, added_before=at + 2)) == {"a", "b"}
    assert found(index, Scope("films", added_after=-(2**70), added_before=2**70)) == {"a", "b"}


def test_filter_by_duration_has_both_bounds(index: VectorIndex) -> None:
    write(index, rows(A, duration=HOUR))
    write(index, rows(B, duration=HOUR + 1))
    assert found(index, Scope("films", min_duration=HOUR + 1)) == {"b"}
    assert found(index, Scope("films", max_duration=HOUR)) == {"a"}
    assert found(index, Scope("films", min_duration=HOUR, max_duration=HOUR + 1)) == {"a", "b"}


def test_filter_by_range_takes_what_overlaps(index: VectorIndex) -> None:
    write(index, rows(A))
    part = Scope("films", range=TimeRange(3 * SECOND, 5 * SECOND + 1))
    assert {h.start // SECOND for h in index.search(SPACE, unit(1, 1)[0], part, 100)} == {3, 4, 5}


def test_pools_are_exact_and_leave_out_what_is_not_there(index: VectorIndex) -> None:
    made = rows(A)
    write(index, made)
    vectors = unit(4, 3)
    got = index.pools(SPACE, vectors, [made[0].id, made[1].id, "f" * 32])
    assert got.keys() == {made[0].id, made[1].id}
    for row in made[:2]:
        assert got[row.id].cosines.tolist() == pytest.approx((vectors @ row.vector).tolist(), abs=1e-5)
        assert got[row.id].frame_time == row.frame_time


def test_filter_by_labels_of_shots_of_any_text(index: VectorIndex) -> None:
    write(index, rows(A, shot_labels=("forklift", AWKWARD)))
    write(index, rows(B, shot_labels=("forklift",)))
    assert found(index, Scope("films", shot_labels=("forklift",))) == {"a", "b"}
    assert found(index, Scope("films", shot_labels=(AWKWARD, "forklift"))) == {"a"}
    assert found(index, Scope("films", shot_labels=(AWKWARD[:-1],))) == set()
    hits = index.search(SPACE, unit(1, 1)[0], Scope("films", shot_labels=(AWKWARD,)), 100)
    assert {h.shot for h in hits} == {1, 2}


def test_labels_are_counted_over_the_shots_of_the_scope(index: VectorIndex) -> None:
    write(index, rows(A, shot_labels=("forklift", AWKWARD)))
    write(index, rows(B, shot_labels=("forklift",)))
    write(index, rows(VideoName("other", "a"), shot_labels=("forklift",)))
    write(index, rows(VideoName("films", "c")))
    assert dict(index.label_counts(SPACE, Scope("films"))) == {"forklift": 6, AWKWARD: 2}
    assert dict(index.label_counts(SPACE, Scope("films", videos=("b",)))) == {"forklift": 3}
    assert dict(index.label_counts(SPACE, Scope("films", range=TimeRange(0, SECOND)))) == {"forklift": 2}
    assert dict(index.label_counts(SPACE, Scope("films", shot_labels=(AWKWARD,)))) == {"forklift": 2, AWKWARD: 2}
    assert not index.label_counts(SPACE, Scope("nobody"))


def test_more_shots_than_one_answer_holds_are_counted(index: VectorIndex) -> None:
    for number in range(3):
        write(index, rows(VideoName("films", f"v{number}"), 1600, shot_labels=("forklift",)))
    assert dict(index.label_counts(SPACE, Scope("films"))) == {"forklift": 1200}


def test_totals_and_the_current_space(index: VectorIndex) -> None:
    assert index.current_space() == ""
    write(index, rows(A))
    assert index.current_space() == SPACE
    write(index, rows(A, 4), space="new")
    assert index.current_space() == SPACE
    write(index, rows(B), space="new")
    assert index.current_space() == "new"
    write(index, rows(VideoName("other", "a"), 4))
    assert (index.total(SPACE), index.total(SPACE, "films"), index.total(SPACE, "films", "a")) == (20, 15, 15)


def test_a_census_counts_the_rows_of_every_video_in_every_space(index: VectorIndex) -> None:
    assert list(index.census()) == []
    write(index, rows(A, 4))
    write(index, rows(VideoName("other", "b"), 1000))
    write(index, rows(VideoName("other", "b"), 2), "two")
    expected = {(SPACE, A, 5), (SPACE, VideoName("other", "b"), 1250), ("two", VideoName("other", "b"), 3)}
    assert set(index.census()) == expected


def test_many_videos_from_two_threads_are_the_same_as_one_by_one(index: VectorIndex) -> None:
    videos = [VideoName("films", f"v{number:02d}") for number in range(20)]
    failed: list[BaseException] = []

    def work(mine: list[VideoName]) -> None:
        try:
            for video in mine:
                made = rows(video, 40, seed=int(video.video[1:]))
                index.prepare(SPACE, DIM)
                for at in range(0, len(made), 16):
                    index.upsert(SPACE, made[at : at + 16])
                index.settle(SPACE, video, "a1")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(videos[n::2],)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert [index.count(SPACE, video) for video in videos] == [50] * 20
    expected = FakeIndex()
    for video in videos:
        write(expected, rows(video, 40, seed=int(video.video[1:])))
    vector = unit(7, 1)[0]

    def seen(which: VectorIndex) -> list[tuple[str, int, float]]:
        hits = which.search(SPACE, vector, Scope("films"), 800)
        return sorted((h.video, h.frame_time, round(h.cosine, 4)) for h in hits)

    assert seen(index) == seen(expected)


def test_milvus_finds_its_rows_again_after_a_restart(tmp_path: Path) -> None:
    with milvus.serving(tmp_path / "data") as (uri, process):
        chosen = settings(uri)
        index = MilvusIndex(chosen)
        write(index, rows(A))
        index.upsert(SPACE, rows(B))
        process.kill()
        process.wait()
        with milvus.serving(tmp_path / "data", int(uri.rsplit(":", 1)[1])):
            assert found(index, Scope("films")) == {"a", "b"}
            assert (index.count(SPACE, A), index.count(SPACE, B)) == (15, 15)
            fresh = MilvusIndex(chosen)
            write(fresh, rows(VideoName("films", "c")))
            assert found(fresh, Scope("films")) == {"a", "b", "c"}
            fresh.close()
        index.close()


def test_processes_that_make_a_collection_at_once_do_not_fail(server: str) -> None:
    chosen = settings(server)
    indexes = [MilvusIndex(chosen) for _ in range(6)]
    failed: list[BaseException] = []
    barrier = threading.Barrier(len(indexes))

    def work(number: int) -> None:
        try:
            barrier.wait()
            write(indexes[number], rows(VideoName("films", f"v{number}")))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(indexes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert indexes[0].total(SPACE) == 6 * 15
    for index in indexes:
        index.close()
