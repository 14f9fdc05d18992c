"""Search's use cases over ports in memory."""

from collections.abc import Sequence

import numpy as np
import pytest

from services.core.errors import Cancelled, Incomplete, Internal, NotFound
from services.core.jobs import Job, no_progress
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange
from services.search.domain.query import Scope
from services.search.domain.rows import Row
from services.search.domain.selection import Moment
from tests.fakes.search import FakeIndex, stored_video
from tests.fakes.search_world import AXES, DIM, World, near, unit


def test_index_writes_a_row_a_frame_and_a_row_a_shot_and_counts_them() -> None:
    world = World()
    outputs = world.service.index(world.job("a", AXES[:6]), no_progress)
    assert outputs.counts == {"rows": 9, "expected": 9}
    assert not outputs.artifacts


def test_index_twice_gives_the_same_rows() -> None:
    world = World()
    job = world.job("a", AXES[:6])
    world.service.index(job, no_progress)
    before = dict(world.index.rows["space"])
    assert world.service.index(job, no_progress).counts["rows"] == 9
    assert world.index.rows["space"].keys() == before.keys()


def test_index_with_fewer_frames_leaves_no_row_of_the_run_before() -> None:
    world = World()
    world.add("a", AXES[:6])
    world.add("b", AXES[:6])
    assert world.service.index(world.job("a", AXES[:4]), no_progress).counts["rows"] == 6
    assert len(world.index.rows["space"]) == 15


def test_rows_that_do_not_arrive_are_an_error_that_may_pass() -> None:
    world = World(index=FakeIndex(lose=1))
    with pytest.raises(Incomplete) as caught:
        world.service.index(world.job("a", AXES[:6]), no_progress)
    assert caught.value.retryable


def test_a_video_without_frames_is_an_error() -> None:
    world = World()
    job = stored_video(world.objects, VideoName("films", "a"), [[]], [0, SECOND], AXES[:0], AXES[:1])
    with pytest.raises(Internal, match="no sampled frames"):
        world.service.index(job, no_progress)


def test_vectors_of_two_spaces_are_never_mixed() -> None:
    world = World()
    job = world.job("a", AXES[:6])
    other = world.job("b", AXES[:6], space="other")
    mixed = Job(job.video, job.step, inputs={**job.inputs, "frame_vectors": other.inputs["frame_vectors"]})
    with pytest.raises(Internal, match="space"):
        world.service.index(mixed, no_progress)


def test_a_missing_or_broken_artifact_says_which() -> None:
    world = World()
    job = world.job("a", AXES[:6])
    world.objects[job.one("shot_vectors")] = b"no npz"
    with pytest.raises(Internal, match="shot_vectors"):
        world.service.index(job, no_progress)
    del world.objects[job.one("info")]
    with pytest.raises(NotFound):
        world.service.index(job, no_progress)


def test_progress_rises_to_the_end_and_can_stop_the_work() -> None:
    world = World()
    seen: list[tuple[int, int]] = []
    world.service.index(world.job("a", AXES[:6]), lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (4, 4)

    def stop(done: int, total: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        world.service.index(world.job("b", AXES[:6]), stop)


def test_a_segment_is_written_before_the_next_is_read() -> None:
    events: list[str] = []

    class Watched(dict[str, bytes]):
        def __getitem__(self, key: str) -> bytes:
            events.append(key.split("/", 5)[-1])
            return super().__getitem__(key)

    class WatchedIndex(FakeIndex):
        def upsert(self, space: str, rows: Sequence[Row]) -> None:
            events.append("write")
            super().upsert(space, rows)

    world = World(objects=Watched(), index=WatchedIndex())
    world.service.index(world.job("a", AXES[:6]), no_progress)
    assert [e for e in events if e == "write" or "/" in e] == [
        "frames/0", "frame_vectors/0", "write", "frames/1", "frame_vectors/1", "write", "write"
    ]  # fmt: skip


def test_the_matching_shot_comes_first_with_its_range_and_best_frame() -> None:
    world = World()
    world.add("a", np.stack([AXES[0], near(1, 0.5), near(1, 0.9), near(1, 0.7), AXES[2], AXES[2]]))
    (first, *_), _ = world.ask("axis 1")
    assert first.video == VideoName("films", "a")
    assert first.range == TimeRange(2 * SECOND, 4 * SECOND)
    (evidence,) = first.evidence
    assert (evidence.frame_time, evidence.share) == (2 * SECOND, 1.0)
    assert evidence.range == TimeRange(2 * SECOND, 3 * SECOND)


def test_pages_together_are_the_whole_answer_without_doubles() -> None:
    world = World()
    rng = np.random.default_rng(1)
    for n in range(6):
        world.add(f"v{n}", np.stack([unit(v) for v in rng.standard_normal((60, DIM)).astype(np.float32)]))
    whole, _ = world.ask("axis 1", page_size=100)
    paged: list[Moment] = []
    token = ""
    while True:
        page, token = world.ask("axis 1", page_size=7, page_token=token)
        paged += page
        if not token:
            break
    assert len(paged) == 180
    assert paged[:100] == whole
    assert [m.score for m in paged] == sorted((m.score for m in paged), reverse=True)


def test_many_frames_of_one_shot_do_not_crowd_out_other_moments() -> None:
    world = World()
    world.add("crowd", np.stack([near(1, 0.95 + 0.0001 * i) for i in range(200)]), per_shot=20)
    for n in range(12):
        world.add(f"v{n:02d}", np.stack([near(1, 0.5), near(1, 0.5)]))
    moments, _ = world.ask("axis 1", max_per_video=1)
    assert [m.video.video for m in moments] == ["crowd", *(f"v{n:02d}" for n in range(9))]
    assert world.index.searches[0] < world.index.searches[-1]


def test_at_most_so_many_moments_a_video() -> None:
    world = World()
    for name in ("a", "b"):
        world.add(name, np.stack([near(1, 0.5 + 0.01 * i) for i in range(10)]))
    moments, token = world.ask("axis 1", max_per_video=2)
    assert sorted(m.video.video for m in moments) == ["a", "a", "b", "b"]
    assert token == ""


def test_the_cut_off_lets_a_query_find_nothing() -> None:
    world = World()
    world.add("a", np.stack([near(1, 0.9)] * 4))
    assert world.ask("axis 1", min_score=0.9)[0]
    assert world.ask("something else", min_score=0.5) == ([], "")
    assert world.ask("something else", min_score=0.0)[0]


def test_a_query_of_another_space_finds_nothing() -> None:
    world = World()
    world.add("a", AXES[:6])
    world.encoder.space = "newer"
    assert world.ask("axis 1") == ([], "")


def test_an_unknown_collection_finds_nothing() -> None:
    assert World().ask("axis 1", scope=Scope("nobody")) == ([], "")


def test_delete_takes_a_video_out_of_the_answers() -> None:
    world = World()
    world.add("a", AXES[:6])
    world.add("b", AXES[:6])
    assert world.service.stats() == (18, "space")
    assert world.service.delete_video(VideoName("films", "a")) == 9
    assert {m.video.video for m in world.ask("axis 1")[0]} == {"b"}
    assert world.service.stats("films", "a") == (0, "space")
    assert world.service.stats("films", "b") == (9, "space")


def test_stats_of_an_empty_index() -> None:
    assert World().service.stats() == (0, "")
