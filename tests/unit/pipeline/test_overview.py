"""The platform's state as the catalog and the broker know it, and the metrics made of it."""

import pytest

from services.catalog.states import JobState
from services.core.errors import Unavailable
from services.pipeline.metrics import OverviewCollector
from services.pipeline.overview import QUEUES, Cause, survey
from services.runtime import metrics
from services.runtime.queue import Report
from tests.fakes.house import House
from tests.fakes.pipeline import success


def samples(collector: OverviewCollector) -> dict[tuple[str, ...], float]:
    return {(s.name, *s.labels.values()): s.value for family in collector.collect() for s in family.samples}


def test_an_empty_platform_has_nothing_to_tell(house: House) -> None:
    now = survey(house.database, house.queue)
    assert (now.videos, now.causes, now.rows, now.speed, now.remaining_s) == ({}, (), 0, 0.0, 0.0)
    assert [view.queue for view in now.queues] == list(QUEUES)


def test_work_is_counted_by_queue_and_state(house: House) -> None:
    house.add("one")
    house.queue.workers = {"decoding": (2, 5)}
    now = survey(house.database, house.queue)
    views = {view.queue: view for view in now.queues}
    assert now.videos == {"PROCESSING": 1}
    assert views["decoding"].jobs == {JobState.QUEUED: 1, JobState.WAITING: 1}
    assert views["decoding"].oldest_s > 0
    seen = views["decoding"].seen
    assert seen is not None
    assert (seen.messages, seen.workers, seen.slots) == (1, 2, 5)
    assert (views["search"].jobs, views["search"].oldest_s) == ({JobState.WAITING: 1}, 0.0)


def test_a_ready_video_adds_rows_and_speed_and_no_backlog(house: House) -> None:
    house.add("one")
    house.work()
    now = survey(house.database, house.queue)
    assert (now.videos, now.rows, now.backlog_s, now.remaining_s) == ({"READY": 1}, 7, 0.0, 0.0)
    assert now.speed > 0
    assert all(not view.jobs for view in now.queues)


def test_failures_are_counted_by_cause_those_that_end_a_video_first(house: House) -> None:
    for video in ("a", "b", "c"):
        house.add(video)
    while house.queue.messages:
        job = house.queue.messages.popleft()
        if job.step == "decoding.plan" and job.video.video in "ab":
            house.pipeline.report(Report(job, "failed", reason="DECODE_ERROR", message="broken"))
        elif job.step == "captioning.text":
            house.pipeline.report(Report(job, "failed", reason="INTERNAL", message="a fault"))
        else:
            house.pipeline.report(success(job))
    now = survey(house.database, house.queue)
    assert now.videos == {"FAILED": 2, "READY": 1}
    assert now.causes == (Cause("decoding", "DECODE_ERROR", True, 2), Cause("captioning", "INTERNAL", False, 1))


def test_a_broker_that_is_away_leaves_what_the_catalog_knows(house: House) -> None:
    house.add("one")
    house.queue.down = True
    now = survey(house.database, house.queue)
    assert now.videos == {"PROCESSING": 1}
    assert {view.seen for view in now.queues} == {None}
    found = samples(OverviewCollector(lambda: now))
    assert (found["vidx_catalog_up",], found["vidx_broker_up",]) == (1, 0)
    assert not any(key[0] == "vidx_workers" for key in found)


def test_metrics_say_what_the_overview_says(house: House) -> None:
    house.add("one")
    house.queue.workers = {"decoding": (2, 5)}
    found = samples(OverviewCollector(lambda: survey(house.database, house.queue)))
    assert found["vidx_videos", "PROCESSING"] == 1
    assert found["vidx_jobs", "decoding", "QUEUED"] == 1
    assert found["vidx_queue_messages", "decoding"] == 1
    assert (found["vidx_workers", "decoding"], found["vidx_worker_slots", "decoding"]) == (2, 5)
    assert found["vidx_workers", "search"] == 0


def test_without_the_catalog_only_that_is_told() -> None:
    def away():
        raise Unavailable("the catalog does not answer")

    assert samples(OverviewCollector(away)) == {("vidx_catalog_up",): 0}


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(("reason", "retryable"), [("UNAVAILABLE", True), ("DECODE_ERROR", False)])
def test_failed_attempts_and_ended_videos_are_counted(house: House, reason: str, retryable: bool) -> None:
    failures = value("vidx_failures_total", step="decoding.plan", reason=reason)
    failed = value("vidx_videos_ended_total", state="FAILED")
    house.add("one")
    house.pipeline.report(
        Report(house.queue.messages.popleft(), "failed", reason=reason, message="m", retryable=retryable)
    )
    assert value("vidx_failures_total", step="decoding.plan", reason=reason) == failures + 1
    assert value("vidx_videos_ended_total", state="FAILED") == failed + (not retryable)


def test_media_time_is_counted_when_a_video_becomes_ready(house: House) -> None:
    ready, media = value("vidx_videos_ended_total", state="READY"), value("vidx_media_indexed_seconds_total")
    house.add("one")
    house.work()
    assert value("vidx_videos_ended_total", state="READY") == ready + 1
    assert value("vidx_media_indexed_seconds_total") - media == pytest.approx(10e-9)
