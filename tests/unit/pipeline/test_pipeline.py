"""What happens to a video when workers answer, fail, die, or lose their messages."""

import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from services.catalog.models import Job
from services.core.errors import Conflict, InvalidInput, NotFound, Unavailable
from services.core.media import VideoInfo
from services.core.text import Cue, Source, Transcript, TranscriptTrack
from services.core.times import TimeRange
from services.pipeline import upgrade, workflow
from services.pipeline.control import Change
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
    assert len(house.queue.sent) == len(workflow.first_units()) + len(workflow.segment_units(3))


def test_sending_many_segments_takes_no_more_questions_to_the_catalog_than_sending_few(house) -> None:
    def asked(segments: int) -> int:
        name = house.add(f"v{segments}")
        statements: list[str] = []

        def note(connection, cursor, statement: str, *_) -> None:
            if statement.startswith("SELECT"):
                statements.append(statement)

        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            # The plan makes the segments known, and the first step of each is sent.
            house.pipeline.report(success(house.queue.messages.popleft(), segments=segments))
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)
        sent = [job for job in house.queue.messages if job.video == name and job.segment is not None]
        assert len(sent) == segments
        house.queue.lose_everything()
        return len(statements)

    assert asked(40) <= asked(2) + 2


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
    assert len(house.jobs(name)) == len(workflow.first_units()) + len(workflow.segment_units(2))


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
    assert {(j.step, j.segment) for j in house.queue.revoked} == {(j.step, j.segment) for j in flying}
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
    assert {j.step for j in house.queue.sent[sent:]} == workflow.downstream(workflow.steps_of("embedding"))


def test_new_labels_are_indexed_again_even_when_they_change_while_indexing_runs(house) -> None:
    name = house.add()
    house.work(until="search.index")
    first = house.queue.messages.popleft()
    house.control.update(name, Change(labels={"site": "north"}))
    house.pipeline.report(success(first))
    assert house.state(name) == "PROCESSING"
    second = next(job for job in house.queue.messages if job.step == "search.index")
    assert second.inputs["info"] != first.inputs["info"]
    house.work()
    assert house.state(name) == "READY"
    sent = len(house.queue.sent)
    house.control.update(name, Change(title="another title"))
    house.pipeline.dispatch()
    house.work()
    assert [j.step for j in house.queue.sent[sent:]] == ["embedding.title", "search.index"]
    assert house.state(name) == "READY"


def test_a_change_that_changes_nothing_does_nothing(house) -> None:
    name = house.add()
    house.work()
    house.control.update(name, Change(title="t", labels={}, shot_labels=()))
    assert house.state(name) == "READY"


def test_a_corrected_transcript_is_taken_and_only_what_depends_on_it_is_done_again(house) -> None:
    name = house.add()
    house.work()
    sent = len(house.queue.sent)
    cue = Cue(TimeRange(0, 5), "a new word")
    transcript = Transcript((TranscriptTrack("en", Source.EDITED, cues=(cue,)),))
    house.control.update(name, Change(transcript=transcript))
    house.pipeline.dispatch()
    house.work()
    assert house.state(name) == "READY"
    assert {j.step for j in house.queue.sent[sent:]} == workflow.downstream(["transcription.subtitles"])
    info = house.store.load(house.video(name).info_key, VideoInfo)
    assert house.store.load(info.transcript_key, Transcript) == transcript
    house.control.update(name, Change(transcript=Transcript()))
    assert house.store.load(house.video(name).info_key, VideoInfo).transcript_key == ""


def fail_until_given_up(house, step: str) -> None:
    """A worker that fails one step whenever it gets it, and does all else."""
    while True:
        while house.queue.messages:
            job = house.queue.messages.popleft()
            if job.step == step:
                house.pipeline.report(Report(job, "failed", reason="UNAVAILABLE", message="no server", retryable=True))
            else:
                house.pipeline.report(success(job))
        with house.database.write() as session:
            due = session.query(Job).where(Job.state == "DUE").all()
            for row in due:
                row.not_before = 0
        if not due:
            return
        house.pipeline.dispatch()


def test_a_track_that_cannot_be_had_is_given_up_and_the_video_is_ready_without_it(house) -> None:
    name = house.add()
    fail_until_given_up(house, "captioning.describe")
    assert house.state(name) == "READY"
    given_up = [j for j in house.jobs(name).values() if j.state == "GIVEN_UP"]
    assert {(j.step, j.reason, j.message) for j in given_up} == {("captioning.describe", "UNAVAILABLE", "no server")}
    assert {j.tries for j in given_up} == {house.pipeline._settings.spare_tries}


@pytest.mark.parametrize("stage", ["", "captioning"])
def test_a_retry_fills_in_what_is_missing_and_redoes_what_depends_on_it(house, stage: str) -> None:
    name = house.add()
    fail_until_given_up(house, "captioning.describe")
    sent = len(house.queue.sent)
    house.control.retry(name, stage)
    house.pipeline.dispatch()
    house.work()
    assert house.state(name) == "READY"
    again = {j.step for j in house.queue.sent[sent:]}
    assert {"captioning.describe", "captioning.assemble", "embedding.text", "search.index"} <= again
    assert ("captioning.text" in again) == (stage == "captioning")
    assert not any(j.state == "GIVEN_UP" for j in house.jobs(name).values())
    with pytest.raises(Conflict, match="nothing of it is missing"):
        house.control.retry(name, "")


def test_a_part_that_is_missing_is_told_and_filled_in_by_a_retry(house) -> None:
    name = house.add()
    house.work(until="captioning.describe")
    job = house.queue.messages.popleft()
    partly = replace(success(job), reason="UNAVAILABLE", message="2 of 3 shots: \0 the server refused them")
    house.pipeline.report(partly)
    house.work()
    assert house.state(name) == "READY"
    row = house.jobs(name)["captioning.describe", job.segment]
    told = (row.state, row.reason, row.message)
    assert told == ("SUCCEEDED", "UNAVAILABLE", "2 of 3 shots:   the server refused them")
    sent = len(house.queue.sent)
    house.control.retry(name, "")
    house.pipeline.dispatch()
    house.work()
    assert next((j.step, j.segment) for j in house.queue.sent[sent:]) == ("captioning.describe", job.segment)
    assert [j.step for j in house.queue.sent[sent:]].count("captioning.describe") == 1
    assert house.jobs(name)["captioning.describe", job.segment].reason == ""


def test_ready_videos_of_an_earlier_version_are_brought_up_to_date_a_few_at_a_time(house, monkeypatch) -> None:
    monkeypatch.setattr(upgrade, "AT_A_TIME", 2)
    names = [house.add(f"v{i}") for i in range(5)]
    house.work()
    with house.database.write() as session:
        for row in session.query(Job).where(Job.step.like("captioning.%")).all():
            session.delete(row)
    for begun, left in ((2, 3), (2, 1), (1, 0)):
        house.reconciler.look()
        assert [house.state(name) for name in names].count("PROCESSING") == begun
        house.reconciler.look()
        house.work()
        assert {house.state(name) for name in names} == {"READY"}
        steps = [{step for step, _ in house.jobs(name)} for name in names]
        assert sum("captioning.assemble" not in s for s in steps) == left
    sent = len(house.queue.sent)
    house.reconciler.look()
    assert len(house.queue.sent) == sent


def test_a_video_of_an_earlier_version_gets_the_steps_that_came_since_when_it_is_retried(house) -> None:
    name = house.add()
    house.work()
    with house.database.write() as session:
        for row in session.query(Job).where(Job.step.like("transcription.%")).all():
            session.delete(row)
    house.control.retry(name, "transcription")
    house.pipeline.dispatch()
    house.work()
    assert house.state(name) == "READY"
    assert {s for s, _ in house.jobs(name)} == {s.name for s in workflow.STEPS}


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
