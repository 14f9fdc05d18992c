"""Platforms as a user starts them, each with a home of its own."""

from collections.abc import Iterator

import pytest

from services.cli.machine.programs import STAGES
from tests.servers import collector as collectors
from tests.servers import secrets
from tests.servers.collector import Collector
from tests.servers.platform import Platform, serving

SETTINGS = {
    # Short segments make many jobs of a short film; a short silence finds a dead worker within seconds.
    "VIDX_DECODING_SEGMENT_S": "4",
    "VIDX_PIPELINE_SILENCE_S": "8",
    # The longest queries take seconds where other tests have the processors.
    "VIDX_SEARCH_EMBEDDING_TIMEOUT_S": "60",
}


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
    with serving(tmp_path_factory.mktemp("platform"), *workers, extra=SETTINGS | traced | secrets.harmless()) as found:
        yield found


@pytest.fixture(scope="session")
def platform(shared_platform: Platform) -> Platform:
    """What a module's tests run against; a module that needs another platform has a fixture of this name."""
    return shared_platform


@pytest.fixture(scope="module")
def mortal_platform(tmp_path_factory) -> Iterator[Platform]:
    """A module's own, of which anything may be killed."""
    with serving(tmp_path_factory.mktemp("mortal"), "--workers=decoding=2", extra=SETTINGS) as found:
        yield found
