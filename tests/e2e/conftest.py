"""Platforms as a user starts them, each with a home of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.machine.programs import STAGES
from tests.servers import collector as collectors
from tests.servers import secrets
from tests.servers.collector import Collector
from tests.servers.platform import Platform, serving

LIMIT_S = 1500
"""Of a test that says nothing else: its time counts the start of a platform, and all that a module shares."""
SETTINGS = {
    # Short segments make many jobs of a short film.
    "VIDX_DECODING_SEGMENT_S": "4",
    # The longest queries take seconds where other tests have the processors.
    "VIDX_SEARCH_EMBEDDING_TIMEOUT_S": "60",
}
MORTAL = SETTINGS | {
    # A short silence finds a dead worker within seconds.
    "VIDX_PIPELINE_SILENCE_S": "8",
}
PATIENT = SETTINGS | {
    # No worker dies here, and one that a busy machine keeps from speaking must not have its job done twice.
    "VIDX_PIPELINE_SILENCE_S": "60",
    "VIDX_PIPELINE_UNCLAIMED_S": "60",
    "VIDX_SEARCH_SEARCH_TIMEOUT_S": "60",
    "VIDX_GATEWAY_CALL_S": "60",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT_S))


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Takes the traces of the shared platform."""
    with collectors.serving() as found:
        yield found


@pytest.fixture(scope="session")
def shared_platform(tmp_path_factory, collector: Collector) -> Iterator[Platform]:
    """Two workers a stage, on the folder store; shared, so tests use collections of their own, and end no process."""
    workers = [f"--workers={stage}=2" for stage in STAGES]
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with serving(tmp_path_factory.mktemp("platform"), *workers, extra=PATIENT | traced | secrets.harmless()) as found:
        yield found


@pytest.fixture(scope="session")
def platform(shared_platform: Platform) -> Platform:
    """What a module's tests run against; a module that needs another platform has a fixture of this name."""
    return shared_platform


@pytest.fixture(scope="module")
def mortal_platform(tmp_path_factory) -> Iterator[Platform]:
    """A module's own, of which anything may be killed."""
    with serving(tmp_path_factory.mktemp("mortal"), "--workers=decoding=2", extra=MORTAL) as found:
        yield found
