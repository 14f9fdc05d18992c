"""What a watcher is told is never more than what is done."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from services.catalog.states import ENDED, JobState
from services.core.text import Track
from services.gateway.progress import missing_tracks, remaining_ns, stage_view


@dataclass
class Row:
    state: str
    queue: str = "decoding"
    tries: int = 0
    attempt: int = 1
    started: int = 5
    ended: int = 9
    busy: int = 4
    done: int = 0
    total: int = 0
    reason: str = ""
    message: str = ""
    step: str = "decoding.segment"
    segment: int = 0
    artifacts: dict[str, str] = field(default_factory=dict)


rows = st.lists(
    st.builds(Row, state=st.sampled_from(list(JobState)), done=st.integers(0, 50), total=st.integers(0, 50)),
    min_size=1,
    max_size=12,
)


@given(rows)
def test_a_stage_is_complete_exactly_when_every_unit_succeeded(jobs: list[Row]) -> None:
    view = stage_view("decoding", jobs, planned=True)
    whole = all(j.state == JobState.SUCCEEDED for j in jobs)
    ended = all(j.state in ENDED for j in jobs)
    assert (view.state == "SUCCEEDED") == whole
    assert (view.state == "INCOMPLETE") == (ended and not whole)
    assert (view.progress == 1.0) == ended
    assert (view.done == view.total) == whole
    assert (view.ended > 0) == (view.state not in ("WAITING", "RUNNING"))
    assert 0 <= view.progress <= 1


def test_a_stage_with_a_part_that_was_given_up_or_is_missing_is_incomplete_and_says_why() -> None:
    done = Row(JobState.SUCCEEDED)
    partly = Row(JobState.SUCCEEDED, reason="TIMED_OUT", message="too slow")
    lost = Row(JobState.GIVEN_UP, reason="UNAVAILABLE", message="away")
    for jobs, reason in (([done, partly], "TIMED_OUT"), ([partly, done, lost], "UNAVAILABLE")):
        view = stage_view("decoding", jobs, planned=True)
        assert (view.state, view.reason) == ("INCOMPLETE", reason)
    waiting = stage_view("decoding", [lost, Row(JobState.WAITING)], planned=True)
    assert (waiting.state, waiting.reason) == ("RUNNING", "UNAVAILABLE")
    failed = stage_view("decoding", [lost, Row(JobState.FAILED, reason="X")], planned=True)
    assert (failed.state, failed.reason) == ("FAILED", "X")


def test_what_is_missing_is_told_once_a_track_with_the_first_error_and_how_many_more() -> None:
    def row(step: str, segment: int, state: JobState = JobState.GIVEN_UP, message: str = "away") -> Row:
        return Row(state, step.split(".")[0], reason="UNAVAILABLE", message=message, step=step, segment=segment)

    jobs = [
        row("captioning.text", 0, JobState.SUCCEEDED, "half"),
        row("captioning.describe", 2, message="third"),
        row("captioning.describe", 1, message="second"),
        row("captioning.assemble", -1, JobState.SUCCEEDED),
        row("transcription.subtitles", -1),
        row("transcription.segment", 0, JobState.DUE),
        Row(JobState.SUCCEEDED, "transcription", step="transcription.assemble", segment=-1),
    ]
    assert [(m.track, m.stage, m.message) for m in missing_tracks(jobs)] == [
        (Track.SPEECH, "transcription", "away"),
        (Track.ON_SCREEN_TEXT, "captioning", "half"),
        (Track.CAPTION, "captioning", "second (and 1 more)"),
    ]
    assert missing_tracks([Row(JobState.SUCCEEDED)]) == ()


@given(rows)
def test_a_failed_unit_makes_a_failed_stage(jobs: list[Row]) -> None:
    failed = stage_view("decoding", [*jobs, Row(JobState.FAILED, reason="X", message="why")], planned=True)
    assert (failed.state, failed.reason, failed.message) == ("FAILED", "X", "why")


def test_a_unit_that_is_being_tried_again_tells_why() -> None:
    view = stage_view("decoding", [Row(JobState.DUE, reason="UNAVAILABLE", message="triton")], planned=True)
    assert (view.state, view.reason) == ("WAITING", "UNAVAILABLE")


def test_the_estimate_follows_the_work_that_is_left() -> None:
    half = [Row(JobState.SUCCEEDED), Row(JobState.WAITING)]
    assert remaining_ns([stage_view("decoding", half, True)], 10_000) == 10_000
    begun = [Row(JobState.WAITING)] * 99 + [Row(JobState.SUCCEEDED)]
    assert remaining_ns([stage_view("decoding", begun, True)], 10_000) is None
    done = [Row(JobState.SUCCEEDED)]
    assert remaining_ns([stage_view("decoding", done, True)], 10_000) == 0


def test_other_stages_do_not_count() -> None:
    view = stage_view("embedding", [Row(JobState.FAILED)], planned=True)
    assert (view.total, view.state) == (0, "WAITING")
