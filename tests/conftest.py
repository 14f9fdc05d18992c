"""Fixtures that tests of every kind use, and what several processes that run them are told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        from tests import scheduling

        items.sort(key=lambda item: scheduling.rank(item.nodeid.partition("::")[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests import scheduling

    return scheduling.Groups(config, log)
