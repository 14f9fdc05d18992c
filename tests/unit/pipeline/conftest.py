"""The pipeline's rules hold on each database that the catalog may be in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.catalog.settings import CatalogSettings
from services.pipeline import workflow
from tests.fakes.house import House, open_house
from tests.servers.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    # The first pause, a second, may be over before a busy machine has looked: each is the longest.
    longest = workflow.backoff_ns(9)
    monkeypatch.setattr(workflow, "backoff_ns", lambda tries: longest)
    catalog: CatalogSettings | None = None
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgresql")
        catalog = server.settings(server.migrated())
    with open_house(tmp_path, catalog) as found:
        yield found
