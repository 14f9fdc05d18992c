"""Fixtures that tests of every kind use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.catalog.settings import CatalogSettings
from tests.fakes.house import House, open_house
from tests.servers import postgres
from tests.servers.postgres import Postgres


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as found:
        yield found


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    with postgres.serving() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> CatalogSettings:
    """An empty catalog without tables, on each database that there may be."""
    if request.param == "sqlite":
        return CatalogSettings(url=SecretStr(f"sqlite:///{tmp_path}/deep/catalog.db"))
    server: Postgres = request.getfixturevalue("postgresql")
    return server.settings(server.empty())
