"""What happens to a video when workers answer, fail, die, or lose their messages."""

import time
from dataclasses import replace

import pytest

from services.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from services.pipeline import workflow
from services.runtime.queue import Report
from tests.fakes.pipeline import success


def wait_until_silent() -> None:
    """Longer than the silence that the settings of these tests allow, which is a millisecond."""
    time.sleep(0.003)


def test_a_video_is_ready_when_every_job_is_done_and_its_rows_are_counted(house) -> None:
    name = house.add()
    house.work(segments=3)
    video = house.video(name)
    assert (video.state, video.row_count, video.duration) == ("READY", 7, 10)
    assert len(house.queue.sent) == len(workflow.first_units()) + 2 * 3


def test_rows_missing_from_the_index_are_written_again_and_never_called_ready(house) -> None:
    name = house.add()
    house.work(until="search.index")
    job = house.queue.messages.popleft()
    house.pipeline.report(success(job, rows=6))
    assert house.state(name) == "PROCESSING"
    assert house.jobs(name)["search.index", -1].reason == "INCOMPLETE"


def test_a_failure_that_cannot_pass_fails_the_video_with_its_cause(house) -> None:
    name = house.add()
    job = house.queue.messages.popleft()
    house.pipeline.report(Report(job, "failed", reason="NO_VIDEO_STREAM", message="no video stream"))
    video = house.video(name)
    assert (video.state, video.error_stage, video.error_reason) == ("FAILED", "decoding", "NO_VIDEO_STREAM")
    assert video.error_message == "no video stream"


def test_a_failure_that_may_pass_is_tried_again_later_and_given_up_after_the_bound(house) -> None:
    name = house.add()
    for attempt in range(1, 11):
        job = house.queue.messages.popleft()
        assert job.attempt == attempt
        house.pipeline.report(Report(job, "failed", reason="UNAVAILABLE", message="triton is down", retryable=True))
        row = house.jobs(name)["decoding.plan", -1]
        if attempt < 10:
            assert (house.state(name), row.state) == ("PROCESSING", "DUE")
            assert row.not_before > time.time_ns()
            with house.database.write() as session:
                session.merge(row).not_before = 0
            house.pipeline.dispatch()
    assert house.state(name) == "FAILED"


def test_reports_that_come_twice_or_late_change_nothing(house) -> None:
    name = house.add()
    plan = house.queue.messages.popleft()
    house.pipeline.report(success(plan))
    house.pipeline.report(success(plan, segments=9))
    house.pipeline.report(Report(plan, "failed", reason="X", message="late"))
    house.pipeline.report(Report(plan, "alive"))
    assert house.jobs(name)["decoding.plan", -1].state == "SUCCEEDED"
    house.work()
    assert house.state(name) == "READY"
    assert len(house.jobs(name)) == len(workflow.first_units()) + 4


def test_a_broker_that_lost_everything_costs_nothing_but_time(house) -> None:
    names = [house.add(f"v{i}") for i in range(3)]
    house.work(until="embedding.segment")
    house.queue.lose_everything()
    wait_until_silent()
    house.reconciler.look()
    house.work()
    assert {house.state(n) for n in names} == {"READY"}


def test_a_worker_that_died_is_noticed_and_its_job_is_done_by_another(house) -> None:
    name = house.add()
    dead = house.queue.messages.popleft()
    house.pipeline.report(Report(dead, "alive"))
    wait_until_silent()
    house.reconciler.look()
    row = house.jobs(name)["decoding.plan", -1]
    assert (row.state, row.reason) == ("DUE", "WORKER_LOST")
    with house.database.write() as session:
        session.merge(row).not_before = 0
    house.pipeline.dispatch()
    house.work()
    assert house.state(name) == "READY"
    assert house.jobs(name)["decoding.plan", -1].attempt == 2


def test_a_job_that_kills_every_worker_fails_its_video_in_the_end(house) -> None:
    name = house.add()
    for _ in range(4):
        house.pipeline.report(Report(house.queue.messages.popleft(), "alive"))
        wait_until_silent()
        house.reconciler.look()
        with house.database.write() as session:
            session.merge(house.jobs(name)["decoding.plan", -1]).not_before = 0
        house.pipeline.dispatch()
    assert house.state(name) == "FAILED"
    assert house.video(name).error_reason == "WORKER_LOST"


def test_jobs_wait_for_a_broker_that_is_down(house) -> None:
    house.queue.down = True
    name = house.add()
    house.reconciler.look()
    assert house.state(name) == "PROCESSING"
    house.queue.down = False
    wait_until_silent()
    wait_until_silent()
    house.reconciler.look()
    house.work()
    assert house.state(name) == "READY"


def test_a_queue_never_holds_more_than_its_window(house) -> None:
    house.pipeline._settings = house.pipeline._settings.model_copy(update={"window": 2})
    names = [house.add(f"v{i}") for i in range(5)]
    assert len(house.queue.messages) == 2
    house.work()
    assert {house.state(n) for n in names} == {"READY"}


def test_a_cancelled_video_stops_and_a_retry_goes_on_from_what_is_done(house) -> None:
    name = house.add()
    house.work(until="embedding.segment")
    flying = list(house.queue.messages)
    house.control.cancel(name)
    assert house.state(name) == "CANCELLED"
    assert {j.step for j in house.queue.revoked} == {"embedding.segment", "decoding.assemble"}
    house.queue.lose_everything()
    house.pipeline.report(success(flying[0]))
    assert house.jobs(name)["embedding.segment", 0].state == "CANCELLED"
    house.control.cancel(name)
    sent = len(house.queue.sent)
    house.control.retry(name, "")
    house.pipeline.dispatch()
    house.work()
    assert house.state(name) == "READY"
    assert not {j.step for j in house.queue.sent[sent:]} & {"decoding.plan", "decoding.segment"}


def test_a_cancellation_of_an_earlier_life_does_not_stop_the_work(house) -> None:
    name = house.add()
    job = house.queue.messages.popleft()
    house.pipeline.report(Report(job, "cancelled"))
    house.work()
    assert house.state(name) == "READY"


def test_only_what_makes_sense_can_be_cancelled_or_retried(house) -> None:
    name = house.add()
    with pytest.raises(Conflict):
        house.control.retry(name, "")
    house.work()
    with pytest.raises(Conflict):
        house.control.cancel(name)
    with pytest.raises(Conflict, match="name the stage"):
        house.control.retry(name, "")
    with pytest.raises(InvalidInput, match="one of decoding"):
        house.control.retry(name, "cooking")
    with pytest.raises(NotFound):
        house.control.retry(replace(name, video="other"), "")


def test_a_stage_done_again_takes_only_what_depends_on_it_along(house) -> None:
    name = house.add()
    house.work()
    sent = len(house.queue.sent)
    house.control.retry(name, "embedding")
    assert house.state(name) == "PROCESSING"
    house.pipeline.dispatch()
    house.work()
    assert house.state(name) == "READY"
    assert {j.step for j in house.queue.sent[sent:]} == workflow.downstream("embedding")


def test_new_labels_are_indexed_again_even_when_they_change_while_indexing_runs(house) -> None:
    name = house.add()
    house.work(until="search.index")
    first = house.queue.messages.popleft()
    house.control.update(name, None, {"site": "north"})
    house.pipeline.report(success(first))
    assert house.state(name) == "PROCESSING"
    second = house.queue.messages.popleft()
    assert second.inputs["info"] != first.inputs["info"]
    house.pipeline.report(success(second))
    assert house.state(name) == "READY"
    house.control.update(name, "another title", None)
    house.pipeline.dispatch()
    assert house.queue.messages[0].step == "search.index"


def test_a_removed_video_leaves_no_entry_no_object_and_no_row(house) -> None:
    name = house.add()
    house.work()
    house.index.rows[name] = 7
    removed = house.control.remove(name)
    assert (removed.videos, removed.rows) == (1, 7)
    assert removed.objects >= 2
    assert removed.bytes > 4
    assert house.state(name) == "GONE"
    assert list(house.store.objects.walk("")) == []
    with pytest.raises(NotFound):
        house.control.remove(name)


def test_a_removal_that_breaks_off_is_ended_by_the_reconciler(house) -> None:
    name = house.add()
    house.index.down = True
    with pytest.raises(Unavailable):
        house.control.remove(name)
    assert house.state(name) == "DELETING"
    house.index.down = False
    with house.database.write() as session:
        session.merge(house.video(name)).updated = 0
    house.reconciler.look()
    assert house.state(name) == "GONE"


def test_the_same_bytes_can_come_back_while_the_old_video_is_being_removed(house) -> None:
    name = house.add("old", sha256="same")
    house.index.down = True
    with pytest.raises(Unavailable):
        house.control.remove(name)
    assert house.state(house.add("new", sha256="same")) == "PROCESSING"


def test_what_a_late_worker_writes_for_a_removed_video_is_swept(house) -> None:
    name = house.add()
    job = house.queue.messages.popleft()
    house.control.remove(name)
    house.store.objects.put(f"{name}/decoding/plan-late.pb", b"late")
    house.pipeline.report(success(job))
    assert house.state(name) == "GONE"
    from services.catalog.models import Tombstone

    with house.database.write() as session:
        tombstone = session.get(Tombstone, ("c", "v"))
        assert tombstone is not None
        tombstone.next_sweep = 0
    house.reconciler.look()
    assert list(house.store.objects.walk("")) == []
