"""Whatever was lost is found, whatever is stuck ends, and a part that is away holds up nothing else."""

import threading
import time

import pytest
import sqlalchemy as sa

from services.catalog.models import Job, Tombstone, Video
from services.core.errors import Conflict, StorageFull
from services.core.names import VideoName
from services.pipeline import ledger
from services.pipeline.control import Change
from services.runtime.queue import Report
from tests.fakes.pipeline import success


def wait_until_silent() -> None:
    """Longer than the silence that the settings of these tests allow, which is a millisecond."""
    time.sleep(0.003)


def change(house, name: VideoName, step: str, **values) -> None:
    with house.database.write() as session:
        query = sa.update(Job).where(Job.collection == name.collection, Job.video == name.video, Job.step == step)
        session.execute(query.values(**values))


def test_a_message_that_was_lost_is_sent_again_even_when_its_queue_never_empties(house) -> None:
    lost, later, waiting = (house.add(v) for v in ("lost", "later", "waiting"))
    del house.queue.messages[0]
    change(house, lost, "decoding.plan", sent=1)
    house.reconciler.look()
    assert [j.video for j in house.queue.messages] == [later, waiting]
    house.pipeline.report(Report(house.queue.messages.popleft(), "alive"))
    change(house, later, "decoding.plan", alive=ledger.now() + 10**10)
    house.reconciler.look()
    assert [j.video for j in house.queue.messages] == [waiting, lost]


def test_a_message_that_waits_its_turn_is_not_sent_twice(house) -> None:
    first, second = house.add("first"), house.add("second")
    change(house, first, "decoding.plan", sent=1)
    change(house, second, "decoding.plan", sent=2)
    house.pipeline.report(Report(house.queue.messages.popleft(), "alive"))
    change(house, first, "decoding.plan", alive=ledger.now() + 10**10)
    house.reconciler.look()
    assert [j.video for j in house.queue.messages] == [second]


@pytest.mark.parametrize("segments", [0, 2])
def test_a_video_that_no_job_moves_on_fails_and_says_so(house, segments: int) -> None:
    name = house.add()
    if segments:
        house.work(until="decoding.segment")
        while house.queue.messages:
            report = success(house.queue.messages.popleft())
            if report.job.step == "decoding.segment":
                report.artifacts.clear()
            house.pipeline.report(report)
    else:
        house.work(segments=0)
    assert house.state(name) == "PROCESSING"
    wait_until_silent()
    house.reconciler.look()
    video = house.video(name)
    assert (video.state, video.error_reason) == ("FAILED", "INTERNAL")
    assert "waits for" in video.error_message
    house.control.retry(name, "decoding")
    house.pipeline.dispatch()
    house.work()
    assert house.state(name) == "READY"


def test_a_video_that_is_only_waiting_for_its_next_attempt_is_not_stuck(house) -> None:
    name = house.add()
    house.pipeline.report(Report(house.queue.messages.popleft(), "failed", reason="UNAVAILABLE", retryable=True))
    wait_until_silent()
    house.reconciler.look()
    assert house.state(name) == "PROCESSING"


def test_workers_are_heard_before_they_are_given_up_when_the_pipeline_stood_still(house) -> None:
    name = house.add()
    house.pipeline.report(Report(house.queue.messages.popleft(), "alive"))
    house.reconciler._settings = house.reconciler._settings.model_copy(update={"silence_s": 5.0})
    house.reconciler._listening_since = house.reconciler._looked = ledger.now() - 60 * 10**9
    change(house, name, "decoding.plan", alive=1)
    house.reconciler.look()
    assert house.jobs(name)["decoding.plan", -1].state == "RUNNING"
    house.reconciler._listening_since -= 6 * 10**9
    house.reconciler.look()
    assert house.jobs(name)["decoding.plan", -1].state == "DUE"


def test_a_broker_that_is_away_does_not_hold_the_catalog(house) -> None:
    name = house.add()
    house.work(until="embedding.segment")
    change(house, name, "embedding.segment", state="RUNNING", alive=1, tries=9)
    written = threading.Event()

    def revoke(jobs) -> None:
        def write() -> None:
            with house.database.write() as session:
                session.execute(sa.update(Video).values(title="free"))
            written.set()

        threading.Thread(target=write, daemon=True).start()
        assert written.wait(60), "the catalog was locked while the broker was asked"

    house.queue.revoke = revoke
    house.reconciler._listening_since = 0
    house.queue.messages.clear()
    house.reconciler.look()
    assert house.state(name) == "FAILED"
    assert written.is_set()


def test_one_crash_after_a_few_failures_does_not_fail_a_video(house) -> None:
    name = house.add()
    for reason in ["UNAVAILABLE"] * 5 + ["WORKER_LOST"]:
        house.pipeline.report(Report(house.queue.messages.popleft(), "failed", reason=reason, retryable=True))
        change(house, name, "decoding.plan", not_before=0)
        house.pipeline.dispatch()
    assert house.state(name) == "PROCESSING"


def test_a_message_that_no_database_could_keep_is_kept_in_part(house) -> None:
    name = house.add()
    job = house.queue.messages.popleft()
    house.pipeline.report(Report(job, "failed", reason="DECODE_ERROR", message="odd \0 name \udc80"))
    assert house.video(name).error_message == "odd   name ?"


def test_a_removal_that_cannot_end_does_not_hold_up_the_next(house, monkeypatch) -> None:
    names = [house.add(v) for v in ("a", "b")]
    delete = house.store.objects.delete

    def broken(keys) -> None:
        if any("/a/" in key for key in keys):
            raise OSError("a fault that nobody foresaw")
        delete(keys)

    monkeypatch.setattr(house.store.objects, "delete", broken)
    house.index.down = True
    for name in names:
        with pytest.raises(Exception, match="index down"):
            house.control.remove(name)
    house.index.down = False
    with house.database.write() as session:
        session.execute(sa.update(Video).values(updated=0))
    house.reconciler.look()
    assert [house.state(n) for n in names] == ["DELETING", "GONE"]


def test_a_look_that_crashes_does_not_keep_the_others_from_looking(house, monkeypatch) -> None:
    name = house.add()
    house.queue.lose_everything()
    monkeypatch.setattr(house.queue, "depth", lambda queue: 1 / 0)
    monkeypatch.setattr(house.control, "sweep", lambda name: swept.append(name))
    swept: list[VideoName] = []
    with house.database.write() as session:
        ledger.bury(session, VideoName("c", "gone"), 0)
    wait_until_silent()
    house.reconciler.look()
    assert swept == [VideoName("c", "gone")]
    assert house.state(name) == "PROCESSING"


def test_what_was_removed_is_not_entered_again(house) -> None:
    name = house.add()
    house.control.remove(name)
    with pytest.raises(Conflict, match="removed"):
        house.add()
    assert house.state(name) == "GONE"


def test_a_sweep_never_takes_a_video_that_is_there(house) -> None:
    name = house.add()
    with house.database.write() as session:
        session.merge(Tombstone(collection="c", video="v", removed=1, sweeps=0, next_sweep=0))
    house.reconciler.look()
    assert house.store.objects.get(f"{name}/source") == b"film"


def test_changes_at_the_same_time_are_all_kept_and_the_store_is_not_waited_for_under_the_lock(house) -> None:
    name = house.add()
    save = house.store.save

    def slow(key, noun) -> None:
        house.store.save = save
        other = threading.Thread(target=house.control.update, args=(name, Change(title="title")), daemon=True)
        other.start()
        other.join(60)
        assert not other.is_alive(), "the catalog was locked while the store was written"
        save(key, noun)

    house.store.save = slow
    house.control.update(name, Change(labels={"site": "north"}))
    video = house.video(name)
    assert (video.title, video.labels) == ("title", {"site": "north"})


def test_a_change_that_cannot_be_stored_changes_nothing(house) -> None:
    name = house.add()

    def full(key, noun) -> None:
        raise StorageFull("full")

    house.store.save = full
    with pytest.raises(StorageFull):
        house.control.update(name, Change(title="title"))
    assert house.video(name).title == "t"


def test_a_retry_does_again_only_what_did_not_succeed(house) -> None:
    name = house.add()
    house.work(until="embedding.segment")
    done, failed = [job for job in house.queue.messages if job.step == "embedding.segment"]
    house.pipeline.report(success(done))
    house.pipeline.report(Report(failed, "failed", reason="X", message="x"))
    assert house.state(name) == "FAILED"
    house.queue.lose_everything()
    sent = len(house.queue.sent)
    house.control.retry(name, "")
    house.pipeline.dispatch()
    house.work()
    assert house.state(name) == "READY"
    again = [(j.step, j.segment) for j in house.queue.sent[sent:]]
    assert (done.step, done.segment) not in again
    assert (failed.step, failed.segment) in again


def set_back(monkeypatch: pytest.MonkeyPatch, seconds: int = 3600) -> None:
    monkeypatch.setattr(ledger, "now", lambda: time.time_ns() - seconds * 10**9)


def test_a_job_that_waits_for_its_next_attempt_goes_on_when_the_clock_is_set_back(house, monkeypatch) -> None:
    name = house.add()
    house.reconciler.look()
    house.pipeline.report(Report(house.queue.messages.popleft(), "failed", reason="UNAVAILABLE", retryable=True))
    set_back(monkeypatch)
    house.reconciler.look()
    house.work()
    assert house.state(name) == "READY"


def test_a_dead_worker_is_noticed_when_the_clock_was_set_back(house, monkeypatch) -> None:
    name = house.add()
    house.reconciler.look()
    house.pipeline.report(Report(house.queue.messages.popleft(), "alive"))
    set_back(monkeypatch)
    house.reconciler.look()
    wait_until_silent()
    house.reconciler.look()
    change(house, name, "decoding.plan", not_before=0)
    house.reconciler.look()
    house.work()
    assert house.state(name) == "READY"


def test_stamps_that_a_clock_ahead_has_left_are_set_right_at_the_start(house) -> None:
    name = house.add()
    change(house, name, "decoding.plan", state="DUE", not_before=ledger.now() + 3600 * 10**9)
    house.queue.messages.clear()
    house.reconciler.look()
    assert [job.video for job in house.queue.messages] == [name]


def test_a_clock_that_runs_as_it_should_changes_no_stamp(house) -> None:
    name = house.add()
    house.reconciler.look()
    house.pipeline.report(Report(house.queue.messages.popleft(), "failed", reason="UNAVAILABLE", retryable=True))
    waiting = house.jobs(name)["decoding.plan", -1].not_before
    house.reconciler.look()
    assert house.jobs(name)["decoding.plan", -1].not_before == waiting > ledger.now()


def test_a_look_at_nothing_asks_the_catalog_little(house) -> None:
    statements: list[str] = []
    house.reconciler.look()
    sa.event.listen(sa.Engine, "before_cursor_execute", count := lambda *told: statements.append(told[2]))
    try:
        house.reconciler.look()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
    # However many stages there are.
    asked = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(asked) <= 10, asked
