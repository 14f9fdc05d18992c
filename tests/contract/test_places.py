"""Places of uploads in the catalog, on SQLite and on PostgreSQL: counted over all gateways, the dead ones too."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.models import UploadPlace
from services.catalog.places import LEASE_S, UPLOAD_RETRY_S, Places
from services.catalog.quotas import Quotas
from services.catalog.settings import CatalogSettings
from services.core.errors import QuotaExceeded
from services.core.times import SECOND
from services.gateway.access.places import HeldPlaces


class Clock:
    now = 1000 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def database(catalog: CatalogSettings) -> Iterator[Database]:
    found = Database(catalog)
    found.migrate()
    Quotas(found).change("c", {"uploads": 2})
    yield found
    found.close()


def until(database: Database) -> list[int]:
    with database.read() as session:
        return list(session.scalars(sa.select(UploadPlace.until)))


def test_gateways_take_from_the_same_places(database: Database) -> None:
    first, second = Places(database), Places(database)
    held = [first.take("c"), second.take("c")]
    for full in (first, second):
        with pytest.raises(QuotaExceeded, match="at most 2 uploads at a time") as caught:
            full.take("c")
        assert caught.value.retry_s == UPLOAD_RETRY_S
    first.take("other")
    first.leave(held[0])
    second.take("c")


def test_no_more_than_there_are_are_taken_at_once(database: Database) -> None:
    def take(_: int) -> bool:
        try:
            return bool(Places(database).take("c"))
        except QuotaExceeded:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(take, range(12))) == 2


def test_a_place_that_is_not_renewed_is_free_when_its_time_is_up(database: Database) -> None:
    clock = Clock()
    places = Places(database, clock)
    places.take("c"), places.take("c")
    clock.now += LEASE_S * SECOND - 1
    with pytest.raises(QuotaExceeded):
        places.take("c")
    clock.now += 1
    places.take("c")
    assert until(database) == [clock.now + LEASE_S * SECOND]


def test_a_place_that_was_given_away_too_early_counts_again(database: Database) -> None:
    clock = Clock()
    places = Places(database, clock)
    late = places.take("c")
    clock.now += LEASE_S * SECOND
    places.take("c")
    places.renew({late: "c"})
    with pytest.raises(QuotaExceeded):
        places.take("c")


def test_an_upload_keeps_its_place_however_long_it_takes(database: Database) -> None:
    clock = Clock()
    with HeldPlaces(Places(database, clock), renew_s=0.01).hold("c"):
        for _ in range(3):
            clock.now += LEASE_S * SECOND
            deadline = time.monotonic() + 60
            while until(database) != [clock.now + LEASE_S * SECOND]:
                assert time.monotonic() < deadline
                time.sleep(0.01)
    assert until(database) == []


GATEWAY = """
import sys, time
from services.catalog.database import Database
from services.catalog.places import Places
from services.catalog.settings import CatalogSettings
from services.gateway.access.places import HeldPlaces
with HeldPlaces(Places(Database(CatalogSettings(url=sys.argv[1])))).hold("c"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_gateway_that_is_killed_gives_its_places_back(database: Database, catalog: CatalogSettings) -> None:
    Quotas(database).change("c", {"uploads": 1})
    command = [sys.executable, "-c", GATEWAY, catalog.url.get_secret_value()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(QuotaExceeded):
            Places(database).take("c")
        os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(QuotaExceeded):
        Places(database).take("c")
    Places(database, lambda: time.time_ns() + LEASE_S * SECOND).take("c")
