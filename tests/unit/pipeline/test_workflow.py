"""The order of work, whatever order the workers answer in."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.states import ENDED, WHOLE_VIDEO, JobState
from services.core.artifacts import KINDS
from services.core.names import VideoName
from services.pipeline import workflow

GIVEN = {"source": "s", "info": "i"}


@dataclass
class Row:
    step: str
    segment: int
    state: str = JobState.WAITING
    artifacts: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    reason: str = ""


def finish(row: Row, rows: int = 5, expected: int = 5) -> None:
    row.state = JobState.SUCCEEDED
    row.counts = {"rows": rows, "expected": expected} if row.step == workflow.INDEXING else {}
    row.artifacts = {kind: f"{kind}-{row.segment}" for kind in workflow.BY_NAME[row.step].gives}


def give_up(row: Row) -> None:
    row.state, row.artifacts = JobState.GIVEN_UP, {}


def rows_of(segments: int) -> list[Row]:
    return [Row(*u) for u in [*workflow.first_units(), *workflow.segment_units(segments)]]


@given(st.integers(1, 6), st.sets(st.sampled_from([s.name for s in workflow.STEPS if s.dispensable])), st.randoms())
def test_every_job_runs_once_and_only_after_all_that_it_takes_whatever_is_given_up(
    segments: int, hopeless: set[str], rng
) -> None:
    rows = [Row(*unit) for unit in workflow.first_units()]
    order: list[tuple[str, int]] = []
    while True:
        possible = workflow.due(rows, GIVEN)
        if not possible:
            break
        row = rng.choice(possible)
        found = workflow.inputs(row, rows, GIVEN)
        assert found is not None
        step = workflow.BY_NAME[row.step]
        assert set(step.needs) <= set(found) <= set(step.takes)
        if row.step in hopeless:
            give_up(row)
        else:
            finish(row)
        order.append((row.step, row.segment))
        if row.step == workflow.PLANNING:
            rows += [Row(*unit) for unit in workflow.segment_units(segments)]
    assert {r.step for r in rows if r.state != JobState.SUCCEEDED} == hopeless
    assert workflow.ready(rows)
    assert len(order) == len(set(order)) == len(workflow.first_units()) + len(workflow.segment_units(segments))
    assert order[0] == (workflow.PLANNING, WHOLE_VIDEO)
    of_the_index = [step for step, _ in order if step in workflow.downstream([workflow.PLANNING])]
    assert set(of_the_index[of_the_index.index(workflow.INDEXING) + 1 :]) <= {s.name for s in workflow.STEPS if s.extra}


def test_a_whole_video_step_gets_the_keys_of_all_segments_in_order() -> None:
    rows = rows_of(12)
    for row in reversed(rows):
        finish(row)
    index = next(r for r in rows if r.step == workflow.INDEXING)
    found = workflow.inputs(index, rows, GIVEN)
    assert found is not None
    assert found["frames"] == tuple(f"frames-{i}" for i in range(12))
    assert found["info"] == ("i",)


def test_a_segment_step_gets_the_key_of_its_own_segment_only() -> None:
    rows = rows_of(3)
    for row in rows:
        finish(row)
    embed = next(r for r in rows if r.step == "embedding.segment" and r.segment == 1)
    message = workflow.job(VideoName("c", "v"), embed, 4, rows, GIVEN)
    assert message is not None
    assert message.inputs == {"frames": ("frames-1",)}
    assert (message.segment, message.attempt) == (1, 4)


def test_a_segment_step_gets_what_it_wants_of_its_neighbours_too() -> None:
    rows = rows_of(4)
    for row in rows:
        finish(row)
        if row.step == "decoding.segment":
            row.artifacts["audio"] = f"audio-{row.segment}"
    hears = {r.segment: workflow.inputs(r, rows, GIVEN) for r in rows if r.step == "transcription.segment"}
    assert [hears[i]["audio"] for i in range(4)] == [
        ("audio-0", "audio-1"),
        ("audio-0", "audio-1", "audio-2"),
        ("audio-1", "audio-2", "audio-3"),
        ("audio-2", "audio-3"),
    ]


def test_what_is_wanted_is_waited_for_and_left_out_when_it_was_not_given_or_given_up() -> None:
    rows = rows_of(3)
    for row in rows:
        finish(row)
    assemble = next(r for r in rows if r.step == "transcription.assemble")
    heard = [r for r in rows if r.step == "transcription.segment"]
    heard[1].state = JobState.RUNNING
    assert workflow.inputs(assemble, rows, GIVEN) is None
    give_up(heard[1])
    assert workflow.inputs(assemble, rows, GIVEN)["heard"] == ("heard-0", "heard-2")
    give_up(heard[0])
    give_up(heard[2])
    assert "heard" not in workflow.inputs(assemble, rows, GIVEN)
    # A video without sound gives no audio, and its transcription does not wait for any.
    assert "audio" not in workflow.inputs(heard[0], rows, GIVEN)


def test_what_a_step_needs_is_given_by_a_step_or_there_from_the_start() -> None:
    gives = {k for s in workflow.STEPS for k in (*s.gives, *s.optional)} | set(workflow.GIVEN)
    for step in workflow.STEPS:
        assert set(step.takes) <= gives
        # What a step gives that may be given up may never come, so nothing may need it.
        assert not {k for s in workflow.STEPS if s.dispensable for k in s.gives} & set(step.needs)
        assert all(step.stage in KINDS[kind].readers for kind in step.takes if kind in KINDS)
    for step in workflow.STEPS:
        for kind in (*step.gives, *step.optional):
            assert KINDS[kind].writer == step.stage


def test_doing_a_stage_again_takes_along_all_that_depends_on_it() -> None:
    assert workflow.downstream(["embedding.assemble"]) == {
        "embedding.assemble", "captioning.assemble", "embedding.text", "search.index",
        "chaptering.chapter", "chaptering.summarize",
    }  # fmt: skip
    assert workflow.downstream(workflow.steps_of("search")) == {"search.index"}
    of_the_film = {s.name for s in workflow.STEPS} - {"embedding.title"}
    assert workflow.downstream(["decoding.plan"]) == of_the_film


def test_a_corrected_transcript_takes_along_neither_pictures_nor_captions() -> None:
    again = workflow.downstream(workflow.INFO_READERS["transcript"])
    assert again == {
        "transcription.subtitles", "transcription.segment", "transcription.assemble", "embedding.text", "search.index",
        "chaptering.chapter", "chaptering.summarize",
    }  # fmt: skip
    readers = {s for steps in workflow.INFO_READERS.values() for s in steps}
    assert readers == {s.name for s in workflow.STEPS if "info" in s.needs}


@pytest.mark.parametrize(("rows", "expected", "ready"), [(5, 5, True), (4, 5, False), (6, 5, False), (0, 0, False)])
def test_ready_takes_the_rows_that_were_written_in_the_index(rows: int, expected: int, ready: bool) -> None:
    units = rows_of(1)
    for unit in units:
        finish(unit, rows, expected)
    assert workflow.ready(units) == ready


@given(st.sampled_from(range(len(rows_of(2)))), st.sampled_from([s for s in JobState if s not in ENDED]))
def test_ready_takes_every_job_done(at: int, state: JobState) -> None:
    units = rows_of(2)
    for unit in units:
        finish(unit)
    assert workflow.ready(units)
    units[at].state = state
    assert not workflow.ready(units)


@given(st.integers(1, 1000))
def test_waiting_between_attempts_grows_to_a_minute_and_no_further(tries: int) -> None:
    assert workflow.backoff_ns(tries) <= workflow.backoff_ns(tries + 1) <= 60_000_000_000
    assert workflow.backoff_ns(1) == 1_000_000_000
