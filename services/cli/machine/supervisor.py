"""supervisord: its configuration, its start, and its control over a private socket."""

import contextlib
import http.client
import json
import shlex
import socket
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.cli.home import Home, Running
from services.cli.machine import launch, processes
from services.cli.machine.programs import Program
from services.core.errors import Unavailable

CONTROL_S = 15.0
STOP_S = 12
"""After this a program that was asked to stop is killed; longer than a server's drain."""
_LONGEST_SOCKET = 90
"""Unix allows 107 bytes, and supervisord adds a suffix while it starts."""

_HEAD = """\
[supervisord]
nodaemon=true
pidfile=supervisord.pid
logfile=../logs/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
childlogdir=../logs
umask=077

[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

# A platform is expected to heal by itself when what kept a program from starting has gone, so it never gives up.
_PROGRAM = """
[program:{name}]
command={command}
autostart=false
autorestart=true
startsecs=1
startretries=1000000
stopwaitsecs={stop_s}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=../logs/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""


@dataclass(frozen=True)
class Process:
    """A program as the supervisor sees it. `since` is when it started or stopped, in seconds since the epoch."""

    name: str
    state: str
    pid: int
    since: int


def start(home: Home, programs: Sequence[Program]) -> Running:
    """Write the configuration and start supervisord in a session of its own; the programs are not started yet."""
    for folder in (home.run, home.logs):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    at = home.run / "supervisor.sock"
    if len(str(at).encode()) > _LONGEST_SOCKET:
        at = Path(tempfile.mkdtemp(prefix="vidx-")) / "s"
    _write(home.run / launch.FILE, json.dumps({p.name: asdict(p) for p in programs}, indent=1))
    _write(home.run / "supervisord.conf", configuration(programs, str(at)))
    log = home.logs / "supervisord.log"
    with open(log, "ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.machine.supervisord", "-c", "supervisord.conf"],
            cwd=home.run,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=out,
            start_new_session=True,
        )
    return Running(process.pid, processes.started(process.pid), str(at))


def configuration(programs: Sequence[Program], at: str) -> str:
    """supervisord's configuration, in which every program is a `launch`."""
    python = shlex.quote(sys.executable).replace("%", "%%")
    texts = [_HEAD.format(socket=at.replace("%", "%%"))]
    for program in programs:
        command = f"{python} -m {launch.__name__} {program.name}"
        texts.append(_PROGRAM.format(name=program.name, command=command, stop_s=STOP_S))
    return "".join(texts)


class Control:
    """Commands to a supervisord that runs. Raises Unavailable when it does not answer."""

    def __init__(self, running: Running) -> None:
        self._proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_UnixTransport(running.socket))

    def processes(self) -> list[Process]:
        """Every program, in the order of their names."""
        return sorted(
            (
                Process(p["name"], p["statename"], p["pid"], p["start"] if p["pid"] else p["stop"])
                for p in self._call("getAllProcessInfo")
            ),
            key=lambda p: p.name,
        )

    def start(self, name: str) -> None:
        """Start a program; nothing happens when it runs."""
        self._tolerantly("startProcess", name)

    def stop(self, name: str) -> None:
        """Ask a program to stop; returns at once."""
        self._tolerantly("stopProcess", name)

    def shutdown(self) -> None:
        """Stop supervisord and whatever still runs under it."""
        self._call("shutdown")

    def answers(self) -> bool:
        try:
            self._call("getState")
            return True
        except Unavailable:
            return False

    def _tolerantly(self, method: str, name: str) -> None:
        # A fault says that it is already so, or that a start failed at once, which its state tells as well.
        with contextlib.suppress(xmlrpc.client.Fault):
            self._call(method, name, False)

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return getattr(self._proxy.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise Unavailable(f"the supervisor does not answer: {error}") from error


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=CONTROL_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(CONTROL_S)
        self.sock.connect(self._path)


def _write(file: Path, text: str) -> None:
    # Private: the environment may hold secrets.
    file.touch(mode=0o600)
    file.write_text(text)
