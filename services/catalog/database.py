"""The database: connections, transactions, migrations."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session, sessionmaker

from services.catalog.settings import CatalogSettings
from services.core.errors import StorageFull, Unavailable

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 15_000


class Database:
    """Transactions on the catalog. Safe to share between threads and processes."""

    def __init__(self, settings: CatalogSettings) -> None:
        url = sa.make_url(settings.url.get_secret_value())
        self._sqlite = url.get_backend_name() == "sqlite"
        if self._sqlite and url.database:
            file = Path(url.database)
            file.parent.mkdir(parents=True, exist_ok=True)
            # Whoever is first: it holds secrets of webhooks, and what SQLite writes beside it has the same rights.
            if not file.exists():
                file.touch(0o600)
        # A server's connection may have gone; a file's has not.
        pool = {"pool_size": settings.pool_size, "max_overflow": 32, "pool_pre_ping": not self._sqlite}
        self._engine = sa.create_engine(url, **pool)
        if self._sqlite:
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        view = self._engine if self._sqlite else self._engine.execution_options(isolation_level="REPEATABLE READ")
        self._reads = sessionmaker(view, expire_on_commit=False)
        self._writes = sessionmaker(self._engine.execution_options(writes=True), expire_on_commit=False)
        # SQLite has one writer at a time; threads that queue here do not wake up in the order of their busy timers.
        self._writer = threading.Lock() if self._sqlite else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A consistent view; nothing is written."""
        with _errors(), self._reads() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: committed as a whole when the block ends, undone when it raises."""
        if self._writer:
            with self._writer, _errors(), self._writes.begin() as session:
                yield session
        else:
            with _errors(), self._writes.begin() as session:
                yield session

    def migrate(self) -> None:
        """Bring the schema to this version. Several processes may call it at once."""
        with _errors(), self._engine.execution_options(writes=True).begin() as connection:
            if not self._sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": 0x71D0})
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS))
            config.attributes["connection"] = connection
            head = ScriptDirectory.from_config(config).get_current_head()
            if MigrationContext.configure(connection).get_current_revision() != head:
                command.upgrade(config, "head")

    def close(self) -> None:
        self._engine.dispose()


def _prepare_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None
    for pragma in (f"busy_timeout={_BUSY_MS}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    deadline = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            # The busy timer does not cover this change, which all processes try at their first start.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that will write takes the lock at once: upgrading a read lock later can fail under load.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except OperationalError as error:
        text = str(error.orig)
        if "disk is full" in text or "No space left" in text:
            raise StorageFull("the catalog's disk is full: make room") from error
        raise Unavailable(f"the catalog does not answer: {text[:200]}") from error
    except (InterfaceError, TimeoutError) as error:
        raise Unavailable(f"the catalog does not answer: {str(error)[:200]}") from error
