"""A real Prometheus scrapes the whole platform: every process is found, every query answers, no alert is wrong."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml

from services.pipeline import workflow
from services.pipeline.overview import QUEUES
from tests.media.films import film
from tests.media.pictures import pan
from tests.servers import prometheus
from tests.servers.platform import Platform
from tests.servers.prometheus import REPOSITORY, Prometheus

CONFIGURATION = (REPOSITORY / "deploy/prometheus/prometheus.yaml").read_text()
BOARD = json.loads((REPOSITORY / "deploy/grafana/vidx.json").read_text())


@pytest.fixture(scope="module")
def scraped(platform: Platform, tmp_path_factory) -> Iterator[Prometheus]:
    """A Prometheus with the configuration that is shipped, only quicker, after a video was indexed and searched."""
    folder = tmp_path_factory.mktemp("prometheus")
    shutil.copy(REPOSITORY / "deploy/prometheus/alerts.yaml", folder)
    path = film(tmp_path_factory.mktemp("films") / "watched.mp4", pan(81, 75, 160, 90))
    platform.run("index", str(path), "--collection", "watched", "--wait")
    platform.run("search", "a field of stones", "--collection", "watched")
    configuration = CONFIGURATION.replace("VIDX_HOME", str(platform.home)).replace("15s", "1s")
    with prometheus.serving(folder, configuration) as found:
        found.wait("every process is scraped", lambda: _scraped(found, platform))
        yield found


def _scraped(found: Prometheus, platform: Platform) -> bool:
    expected = {row["service"] for row in platform.services().values() if row["metrics"]}
    return {labels["process"] for labels, value in found.query('up{job="vidx"}') if value == 1} == expected


def test_every_process_is_found_by_its_name(scraped: Prometheus, platform: Platform) -> None:
    named = {process: process.split("-")[0] for process in set(platform.services()) - {"redis", "milvus"}}

    def found() -> dict[str, str]:
        return {labels["process"]: labels["service"] for labels, _ in scraped.query('up{job="vidx"} == 1')}

    # A scrape that takes too long on a busy machine leaves a process out until the next one: here and below.
    scraped.wait("every process is found by its name", lambda: found() == named)


def workers(platform: Platform) -> dict[str, int]:
    """How many work on each queue, as the supervisor sees them."""
    return Counter(name.split("-")[0] for name in platform.services() if name.split("-")[0] in QUEUES)


def test_what_was_done_is_counted(scraped: Prometheus, platform: Platform) -> None:
    count = workers(platform)
    for so in (
        'max(vidx_videos{state="READY"}) >= 1',
        "max(vidx_index_rows) > 0",
        "sum(vidx_media_indexed_seconds_total) >= 3",
        'sum(grpc_server_handled_total{grpc_method="Search",grpc_code="OK",service="gateway"}) >= 1',
        'sum(vidx_milvus_seconds_count{operation="search",outcome="OK"}) >= 1',
        'sum(vidx_model_seconds_count{outcome="OK"}) >= 1',
        'sum(vidx_store_bytes_total{operation="put"}) > 0',
        "min(vidx_broker_up) == 1",
        "min(vidx_catalog_up) == 1",
        f"count(vidx_worker_heartbeat_timestamp_seconds > 0) == {sum(count.values())}",
    ):
        scraped.wait(so, lambda so=so: bool(scraped.query(so)))

    def steps() -> set[str]:
        return {labels["step"] for labels, _ in scraped.query('vidx_job_seconds_count{outcome="succeeded"} > 0')}

    def heard() -> dict[str, float]:
        return {labels["queue"]: value for labels, value in scraped.query("max by (queue) (vidx_workers)")}

    scraped.wait("every step is timed", lambda: steps() == {step.name for step in workflow.STEPS})
    scraped.wait("every worker is heard", lambda: heard() == count)


def test_every_query_of_the_dashboard_and_of_the_rules_is_answered(scraped: Prometheus) -> None:
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            scraped.get("query", query=target["expr"].replace("$__rate_interval", "1m"))
    rules = [rule for group in scraped.get("rules")["groups"] for rule in group["rules"]]
    written = yaml.safe_load((REPOSITORY / "deploy/prometheus/alerts.yaml").read_text())["groups"][0]["rules"]
    assert {rule["name"] for rule in rules} == {rule["alert"] for rule in written}
    scraped.wait("the rules are evaluated", lambda: all(r["health"] == "ok" for r in _rules(scraped)))
    firing = {rule["name"] for rule in _rules(scraped) if rule["state"] == "firing"}
    # Other tests break videos on purpose; nothing else is amiss.
    assert firing <= {"VidxVideosFailing", "VidxCallsFailing", "VidxWorkersLost"}


def _rules(found: Prometheus) -> list[dict]:
    return [rule for group in found.get("rules")["groups"] for rule in group["rules"]]


def test_series_do_not_grow_with_videos(scraped: Prometheus, platform: Platform) -> None:
    """What a scrape brings is bounded by what is in the code, not by what is indexed."""
    most = max(value for _, value in scraped.query('scrape_samples_scraped{job="vidx"}'))
    assert most < 2_000
    values = scraped.get("labels")
    assert not {"video", "collection"} & set(values)


def test_status_says_the_same(scraped: Prometheus, platform: Platform) -> None:
    answering = dict.fromkeys(("search", "decoding", "transcription", "chaptering"), "SERVING")
    told: dict = {}

    def well() -> bool:
        """Whether all is told to be well: what answers late on a busy machine is told to be away."""
        nonlocal told
        done = platform.vidx("status", "--json")
        told = json.loads(done.stdout)["platform"] or {"services": (), "queues": ()}
        services = {service["service"]: service["state"] for service in told["services"]}
        queues = {queue["queue"]: queue["workers"] for queue in told["queues"]}
        return done.returncode == 0 and services == answering and queues == workers(platform)

    scraped.wait("everything is well", well)
    assert int(told["readyVideos"]) >= 1
    assert told["speed"] > 0
