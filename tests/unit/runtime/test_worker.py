"""What a worker reports of a job."""

import time

import pytest
from celery.worker import state

from services.core.errors import BadMedia, Unavailable
from services.core.jobs import Fault, Job, Outputs
from services.core.names import VideoName
from services.runtime import worker
from services.runtime.queue import Report, job_from, job_to, report_from, report_to, task_id

JOB = Job(VideoName("c", "v"), "decoding.segment", 3, 2, {"source": ("s",), "plan": ("p",)})


def run(handler) -> list[Report]:
    reports: list[Report] = []
    worker.run_job(handler, JOB, reports.append)
    return reports


def test_success_reports_names_counts_and_time() -> None:
    reports = run(lambda job, progress: Outputs({"frames": "f"}, {"frames": 9}))
    assert reports[0].event == "alive"
    last = reports[-1]
    assert (last.event, last.artifacts, last.counts) == ("succeeded", {"frames": "f"}, {"frames": 9})
    assert last.busy_ns > 0


def test_work_that_is_done_but_for_a_part_says_what_is_missing() -> None:
    last = run(lambda job, progress: Outputs({"captions": "c"}, fault=Fault("UNAVAILABLE", "2 of 9 shots")))[-1]
    assert (last.event, last.artifacts) == ("succeeded", {"captions": "c"})
    assert (last.reason, last.message) == ("UNAVAILABLE", "2 of 9 shots")


@pytest.mark.parametrize(
    ("error", "reason", "retryable"),
    [
        (BadMedia("no picture"), "DECODE_ERROR", False),
        (Unavailable("down"), "UNAVAILABLE", True),
        (RuntimeError("a bug"), "INTERNAL", True),
    ],
)
def test_a_failure_reports_its_cause_and_whether_it_may_pass(error, reason: str, retryable: bool) -> None:
    def handler(job, progress):
        raise error

    last = run(handler)[-1]
    assert (last.event, last.reason, last.retryable) == ("failed", reason, retryable)
    assert str(error) in last.message


def test_long_work_keeps_telling_that_it_is_alive_and_how_far_it_is(monkeypatch) -> None:
    monkeypatch.setattr(worker, "HEARTBEAT_S", 0.01)
    reports: list[Report] = []

    def handler(job, progress):
        progress(5, 8)
        # Told by another thread, whenever a busy machine lets it run.
        end = time.monotonic() + 60
        while sum((report.done, report.total) == (5, 8) for report in list(reports)) < 3:
            assert time.monotonic() < end, reports
            time.sleep(0.01)
        return Outputs()

    worker.run_job(handler, JOB, reports.append)
    assert reports[-1].event == "succeeded"
    assert {report.event for report in reports[:-1]} == {"alive"}


def test_revoked_work_stops_at_its_next_progress_and_says_so() -> None:
    begun = []

    def handler(job, progress):
        begun.append(job)
        state.revoked.add(task_id(job))
        progress(1, 2)
        raise AssertionError("went on")

    try:
        assert run(handler)[-1].event == "cancelled"
        assert begun
    finally:
        state.revoked.discard(task_id(JOB))


def test_messages_carry_a_job_and_its_report_unchanged() -> None:
    assert job_from(job_to(JOB)) == JOB
    report = Report(JOB, "failed", "w", 1, 2, 3, {"a": "b"}, {"c": 4}, "R", "m", True)
    found = report_from(report_to(report))
    assert (found.job.video, found.job.step, found.job.segment, found.job.attempt) == (
        JOB.video, JOB.step, JOB.segment, JOB.attempt,
    )  # fmt: skip
    assert found.artifacts == {"a": "b"}
    assert found.retryable
