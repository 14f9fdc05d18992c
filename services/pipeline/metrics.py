"""What only the catalog and the broker know, read when Prometheus asks.

Several pipelines give the same values: queries take the `max` over them.
"""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.core.errors import VidxError
from services.pipeline.overview import Overview
from services.runtime import telemetry

_log = telemetry.log(__name__)


class OverviewCollector(Collector):
    """Gauges of an `Overview`; while the catalog does not answer only `vidx_catalog_up` has a value."""

    def __init__(self, survey: Callable[[], Overview]) -> None:
        self._survey = survey

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from _gauges().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        gauges = _gauges()
        try:
            now = self._survey()
        except VidxError as error:
            _log.warning("survey_failed", reason=error.reason, message=error.message)
            gauges["catalog_up"].add_metric([], 0)
        else:
            _fill(gauges, now)
        yield from gauges.values()


def _gauges() -> dict[str, GaugeMetricFamily]:
    made: dict[str, GaugeMetricFamily] = {}

    def gauge(name: str, text: str, *labels: str) -> None:
        made[name] = GaugeMetricFamily(f"vidx_{name}", text, labels=labels)

    gauge("catalog_up", "1 when the catalog answers")
    gauge("broker_up", "1 when the broker answers")
    gauge("videos", "Videos by state", "state")
    gauge("videos_failed", "FAILED videos by stage and reason", "stage", "reason")
    gauge("videos_incomplete", "Videos that lack a part, by stage and reason", "stage", "reason")
    gauge("jobs", "Jobs by queue and state, without those that succeeded", "queue", "state")
    gauge("queue_messages", "Messages on a queue that no worker has taken", "queue")
    gauge("queue_oldest_seconds", "How long the oldest message of a queue waits to be begun; 0 without any", "queue")
    gauge("workers", "Worker processes that were heard of lately, by queue", "queue")
    gauge("worker_slots", "Jobs that these can do at a time", "queue")
    gauge("index_rows", "Rows in the index, of READY videos")
    gauge("backlog_media_seconds", "Media time still to be indexed")
    gauge("indexing_speed", "Media seconds indexed in a second, lately; 0 when there was nothing to measure")
    return made


def _fill(gauges: dict[str, GaugeMetricFamily], now: Overview) -> None:
    gauges["catalog_up"].add_metric([], 1)
    for state, count in now.videos.items():
        gauges["videos"].add_metric([state], count)
    for cause in now.causes:
        name = "videos_failed" if cause.fatal else "videos_incomplete"
        gauges[name].add_metric([cause.stage, cause.reason], cause.videos)
    heard = [view for view in now.queues if view.seen is not None]
    gauges["broker_up"].add_metric([], int(len(heard) == len(now.queues)))
    for view in now.queues:
        gauges["queue_oldest_seconds"].add_metric([view.queue], view.oldest_s)
        for state, count in view.jobs.items():
            gauges["jobs"].add_metric([view.queue, state], count)
        if view.seen is not None:
            gauges["queue_messages"].add_metric([view.queue], view.seen.messages)
            gauges["workers"].add_metric([view.queue], view.seen.workers)
            gauges["worker_slots"].add_metric([view.queue], view.seen.slots)
    gauges["index_rows"].add_metric([], now.rows)
    gauges["backlog_media_seconds"].add_metric([], now.backlog_s)
    gauges["indexing_speed"].add_metric([], now.speed)
