"""What a watcher is told is never more than what is done."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from services.catalog.states import JobState
from services.gateway.progress import remaining_ns, stage_view


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


rows = st.lists(
    st.builds(Row, state=st.sampled_from(list(JobState)), done=st.integers(0, 50), total=st.integers(0, 50)),
    min_size=1,
    max_size=12,
)


@given(rows)
def test_a_stage_is_complete_exactly_when_every_unit_succeeded(jobs: list[Row]) -> None:
    view = stage_view("decoding", jobs, planned=True)
    whole = all(j.state == JobState.SUCCEEDED for j in jobs)
    assert (view.state == "SUCCEEDED") == whole
    assert (view.progress == 1.0) == whole
    assert (view.done == view.total) == whole
    assert 0 <= view.progress <= 1


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
