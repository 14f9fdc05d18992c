"""Fixtures that tests of every kind use, and what several processes that run them are told."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from pydantic import SecretStr

from services.catalog.settings import CatalogSettings
from services.runtime.settings import StoreSettings
from tests.fakes.house import House, open_house
from tests.servers import postgres, s3
from tests.servers.postgres import Postgres

# How long an example takes says nothing on a busy machine.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


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


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3.S3]:
    with s3.serving(tmp_path_factory.mktemp("s3")) as found:
        yield found


def pytest_addoption(parser: pytest.Parser) -> None:
    help_ = "the object store of integration tests that do not ask for every one"
    parser.addoption("--store", choices=("folder", "s3"), default="folder", help=help_)


def _empty_store(kind: str, request: pytest.FixtureRequest, folder: Path) -> StoreSettings:
    if kind == "folder":
        return StoreSettings(url=f"folder://{folder / 'store'}")
    server: s3.S3 = request.getfixturevalue("s3_server")
    return server.settings(server.new_bucket(), folder / "scratch")


@pytest.fixture
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], StoreSettings]:
    """Makes empty object stores, of the kind that --store names."""
    count = itertools.count()
    kind = request.config.getoption("store")
    return lambda: _empty_store(kind, request, tmp_path / f"objects-{next(count)}")


@pytest.fixture
def objects(new_store: Callable[[], StoreSettings]) -> StoreSettings:
    """One of them."""
    return new_store()


@pytest.fixture(params=["folder", "s3"])
def every_store(request: pytest.FixtureRequest, tmp_path: Path) -> StoreSettings:
    """An empty object store, of each kind that there may be."""
    return _empty_store(request.param, request, tmp_path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        from tests import scheduling

        items.sort(key=lambda item: scheduling.rank(item.nodeid.partition("::")[0]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests import scheduling

    return scheduling.Groups(config, log)
