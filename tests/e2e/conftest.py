"""Platforms as a user starts them, each with a home of its own."""

from collections.abc import Iterator

import pytest

from services.cli.machine.programs import STAGES
from tests.servers.platform import Platform, serving

QUICK = {
    # Short segments make many jobs of a short film; a short silence finds a dead worker within seconds.
    "VIDX_DECODING_SEGMENT_S": "4",
    "VIDX_PIPELINE_SILENCE_S": "8",
}


@pytest.fixture(scope="session")
def platform(tmp_path_factory) -> Iterator[Platform]:
    """Two workers a stage, on the folder store; shared, so tests use collections of their own."""
    workers = [f"--workers={stage}=2" for stage in STAGES]
    with serving(tmp_path_factory.mktemp("platform"), *workers, extra=QUICK) as found:
        yield found
