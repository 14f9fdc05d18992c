"""A video's jobs belong to the trace of the call that brought it, whatever happens in between."""

from services.core.names import VideoName
from services.runtime import tracing
from services.runtime.queue import Report
from tests.fakes.house import House
from tests.fakes.spans import recorded


def brought(house: House, video: str = "v") -> tuple[VideoName, str]:
    """A video that came in under a span, and that span as the catalog keeps it."""
    with tracing.span("UploadVideo"):
        return house.add(video), tracing.traceparent()


def test_every_job_is_sent_under_the_call_that_brought_the_video(house: House) -> None:
    with recorded():
        name, root = brought(house)
        house.work()
    assert house.video(name).trace == root
    assert {job.trace for job in house.queue.sent} == {root}


def test_what_the_queue_lost_is_sent_again_in_the_same_trace(house: House) -> None:
    with recorded():
        _, root = brought(house)
    lost = house.queue.messages[0]
    house.queue.lose_everything()
    house.reconciler.look()
    again = house.queue.messages[0]
    assert (again.step, again.trace) == (lost.step, root)


def test_a_retry_goes_on_in_the_same_trace(house: House) -> None:
    with recorded():
        name, root = brought(house)
        house.pipeline.report(Report(house.queue.messages.popleft(), "failed", reason="DECODE_ERROR", message="m"))
        with tracing.span("RetryVideo"):
            house.control.retry(name, "")
        house.pipeline.dispatch()
    assert {job.trace for job in house.queue.sent} == {root}


def test_the_end_is_a_span_from_the_entry_on_with_its_cause(house: House) -> None:
    with recorded() as spans:
        name, root = brought(house)
        house.pipeline.report(Report(house.queue.messages.popleft(), "failed", reason="DECODE_ERROR", message="m"))
        other, _ = brought(house, "second")
        house.work()
    ends = {s.name: s for s in spans.get_finished_spans() if s.name.startswith("video ")}
    assert set(ends) == {"video FAILED", "video READY"}
    failed = ends["video FAILED"]
    assert f"{failed.parent.span_id:016x}" == root.split("-")[2]
    assert (failed.status.description, failed.attributes["vidx.video"]) == ("DECODE_ERROR", str(name))
    assert failed.start_time == house.video(name).created
    assert ends["video READY"].attributes["vidx.video"] == str(other)


def test_without_traces_nothing_is_kept(house: House) -> None:
    name = house.add()
    assert house.video(name).trace == ""
    assert {job.trace for job in house.queue.sent} == {""}
