"""Keys in the catalog, on SQLite and on PostgreSQL."""

import subprocess
import sys
import time

import pytest
import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.keys import Keys, Wanted
from services.catalog.models import ApiKey
from services.catalog.settings import CatalogSettings
from services.core.access import Caller, Scope
from services.core.errors import NotFound


@pytest.fixture
def keys(catalog: CatalogSettings):
    database = Database(catalog)
    database.migrate()
    yield Keys(database)
    database.close()


def test_a_key_stands_for_its_caller_until_it_ends(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    row, key = keys.create(Wanted("t", Scope.WRITE, ["b", "a", "b"], expires=now + 3600 * 10**9))
    assert keys.caller(key) == Caller(f"keys/{row.id}", Scope.WRITE, frozenset("ab"))
    everywhere, other = keys.create(Wanted("t", Scope.READ, None))
    assert keys.caller(other) == Caller(f"keys/{everywhere.id}", Scope.READ, None)
    for wrong in ("", "vidx_", f"vidx_{row.id}_", key.replace(row.id, everywhere.id), key[:-1], key + "\0"):
        assert keys.caller(wrong) is None
    monkeypatch.setattr(time, "time_ns", lambda: now + 3600 * 10**9)
    assert keys.caller(key) is None
    assert keys.caller(other) is not None


def test_what_is_kept_does_not_give_the_key(keys: Keys) -> None:
    row, key = keys.create(Wanted("t", Scope.READ, None))
    with keys._database.read() as session:
        kept = session.execute(sa.select(ApiKey.__table__)).one()
    secret = key.removeprefix(f"vidx_{row.id}_")
    assert len(secret) == 52  # 256 bits, five a character
    assert secret not in repr(kept)
    assert row.id in repr(kept)


def test_the_last_use_is_kept_to_the_minute(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    _, key = keys.create(Wanted("t", Scope.READ, None))
    now = time.time_ns()
    for at, kept in ((now, now), (now + 59 * 10**9, now), (now + 61 * 10**9, now + 61 * 10**9)):
        monkeypatch.setattr(time, "time_ns", lambda at=at: at)
        assert keys.caller(key) is not None
        assert keys.list(10)[0].used == kept


def test_keys_are_listed_page_by_page(keys: Keys) -> None:
    made = [keys.create(Wanted(f"t{n}", Scope.READ, None))[0].id for n in range(5)]
    first = keys.list(2)
    second = keys.list(10, (first[-1].created, first[-1].id))
    assert [row.id for row in (*first, *second)] == made


def test_a_key_that_is_not_there_cannot_be_ended(keys: Keys) -> None:
    with pytest.raises(NotFound):
        keys.revoke("abc")
    with pytest.raises(NotFound):
        keys.rotate("abc")


def test_the_first_key_is_made_beside_the_catalog(keys: Keys, catalog: CatalogSettings) -> None:
    command = [sys.executable, "-m", "services.catalog", "key", "first", "--scope", "write", "--collection", "a"]
    env = {"VIDX_CATALOG_URL": catalog.url.get_secret_value(), "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert keys.caller(done.stdout.strip()) == Caller(f"keys/{keys.list(1)[0].id}", Scope.WRITE, frozenset("a"))
