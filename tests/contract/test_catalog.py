"""The catalog's schema and transactions, on SQLite and on PostgreSQL."""

import os
import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import SecretStr
from sqlalchemy.exc import IntegrityError

from services.catalog import database as module
from services.catalog.database import Database
from services.catalog.models import Base, Collection, Job, Video
from services.catalog.settings import CatalogSettings
from services.core.errors import Unavailable


@pytest.fixture
def database(catalog: CatalogSettings):
    found = Database(catalog)
    found.migrate()
    yield found
    found.close()


def test_a_catalog_in_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        found = Database(CatalogSettings(url=SecretStr(f"sqlite:///{tmp_path}/new/catalog.db")))
        found.migrate()
        with found.write() as session:
            session.add(Collection(id="c", created=1))
            rights = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "new").iterdir()}
        found.close()
    finally:
        os.umask(before)
    assert set(rights.values()) == {0o600}
    assert "catalog.db-wal" in rights


def test_the_migrations_give_exactly_the_tables_of_the_models(database: Database) -> None:
    with database._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def move(database: Database, act, revision: str) -> list[str]:
    """Migrate up or down; the tables that are there afterwards."""
    config = Config()
    config.set_main_option("script_location", str(module._MIGRATIONS))
    with database._engine.begin() as connection:
        config.attributes["connection"] = connection
        act(config, revision)
        return sa.inspect(connection).get_table_names()


def test_the_migrations_can_be_undone(database: Database) -> None:
    assert move(database, command.downgrade, "base") == ["alembic_version"]


def test_every_migration_can_be_undone_and_done_again(database: Database) -> None:
    """Down to nothing a step at a time, and each step up again, which must give the tables that were there."""
    scripts = ScriptDirectory(str(module._MIGRATIONS))
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert len(revisions) >= 3
    for below in [*revisions[1:], "base"]:
        before = shape(database)
        move(database, command.downgrade, below)
        assert shape(database) != before
        move(database, command.upgrade, "+1")
        assert shape(database) == before
        move(database, command.downgrade, below)


def shape(database: Database) -> dict[str, object]:
    """Every table's columns, keys and indexes, as the database has them."""
    found: dict[str, object] = {}
    with database._engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in sorted(set(inspector.get_table_names()) - {"alembic_version"}):
            # A column that was dropped and added again stands last.
            columns = sorted((c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table))
            foreign = sorted(str(sorted(key.items(), key=str)) for key in inspector.get_foreign_keys(table))
            indexes = sorted((str(index["name"]), index["column_names"]) for index in inspector.get_indexes(table))
            found[table] = (columns, inspector.get_pk_constraint(table)["constrained_columns"], foreign, indexes)
    return found


def test_a_catalog_of_an_earlier_version_keeps_all_that_it_holds(database: Database) -> None:
    video = {"collection": "a", "id": "v", "title": "t", "labels": {}, "state": "READY", "sha256": "", "info_key": "k"}
    job = {"collection": "a", "video": "v", "step": "decoding.plan", "segment": -1, "queue": "decoding", "state": "S"}
    with database.write() as session:
        session.add(Collection(id="a", created=1))
        session.flush()
        session.add(Video(**video, created=1, updated=1, size_bytes=4))
        session.flush()
        session.add(Job(**job, created=1))
    move(database, command.downgrade, "0001")
    move(database, command.upgrade, "head")
    with database.read() as session:
        collection, found = session.get(Collection, "a"), session.get(Video, ("a", "v"))
        assert (collection.shot_labels, collection.relabel) == ([], False)
        assert (found.title, found.transcript_key, found.shot_labels) == ("t", "", [])
        assert session.get(Job, ("a", "v", "decoding.plan", -1)) is not None


def test_several_processes_may_migrate_at_once(catalog: CatalogSettings) -> None:
    found = [Database(catalog) for _ in range(4)]
    faults: list[BaseException] = []

    def migrate(database: Database) -> None:
        try:
            database.migrate()
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=migrate, args=(d,)) for d in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with found[0].read() as session:
        assert session.scalars(sa.select(Collection)).all() == []


def test_a_transaction_is_kept_whole_or_not_at_all(database: Database) -> None:
    def twice() -> None:
        with database.write() as session:
            session.add(Collection(id="a", created=1))
            session.flush()
            session.execute(sa.insert(Collection).values(id="a", created=2, request_id=""))

    with pytest.raises(IntegrityError):
        twice()
    with database.read() as session:
        assert session.get(Collection, "a") is None


def test_no_update_is_lost_between_two_connections(catalog: CatalogSettings) -> None:
    both = [Database(catalog) for _ in range(2)]
    both[0].migrate()
    with both[0].write() as session:
        session.add(Collection(id="a", created=0))

    def count(database: Database) -> None:
        for _ in range(50):
            with database.write() as session:
                row = session.get(Collection, "a", with_for_update=True)
                assert row is not None
                row.created += 1

    threads = [threading.Thread(target=count, args=(d,)) for d in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with both[0].read() as session:
        row = session.get(Collection, "a")
        assert row is not None
        assert row.created == 100


def test_a_catalog_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").mkdir()
    database = Database(CatalogSettings(url=SecretStr(f"sqlite:///{tmp_path}/catalog.db")))
    with pytest.raises(Unavailable), database.read() as session:
        session.get(Collection, "a")
