"""The pipeline's rules hold on each database that the catalog may be in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.catalog.settings import CatalogSettings
from tests.fakes.house import House, open_house
from tests.servers.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    catalog: CatalogSettings | None = None
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgresql")
        catalog = server.settings(server.migrated())
    with open_house(tmp_path, catalog) as found:
        yield found
