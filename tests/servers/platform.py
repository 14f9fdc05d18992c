"""The whole platform, as `vidx up --detach` starts it in a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.cli.home import Home, State
from services.cli.machine.programs import PORTS
from services.cli.machine.supervisor import Control, Process
from tests.servers.ports import free_ports

RUN_S = 900.0


class Platform:
    """A platform in `home`. `extra` is environment for its services.

    VIDX_TEST_MODELS names a folder that keeps built model packs between runs.
    """

    def __init__(self, home: Path, extra: Mapping[str, str] | None = None) -> None:
        self.home = home
        kept = os.environ.get("VIDX_TEST_MODELS")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("VIDX_")}
        self.env = {**inherited, **({"VIDX_MODELS": kept} if kept else {}), **(extra or {}), "VIDX_HOME": str(home)}

    def up(self, *options: str) -> None:
        """Start it and wait until it is ready, which takes its time where others start as well."""
        self.run("up", "--detach", "--timeout=600", *options)

    def down(self) -> None:
        """Stop it. It can be started again with all that it knows."""
        self.run("down")

    def vidx(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run the command line, whatever comes of it."""
        command = [sys.executable, "-m", "services.cli", *arguments]
        return subprocess.run(command, env=self.env, input=stdin, capture_output=True, text=True, timeout=RUN_S)

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """What a command prints; it must succeed."""
        done = self.vidx(*arguments, stdin=stdin)
        assert done.returncode == 0, f"vidx {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def messages(self, *arguments: str, stdin: str | None = None) -> list[dict[str, Any]]:
        """What a command prints with --json, a message a line."""
        return [json.loads(line) for line in self.run(*arguments, "--json", stdin=stdin).splitlines()]

    def services(self) -> dict[str, dict[str, Any]]:
        """What `vidx status` says of each service: state, pid, uptime, memory and address."""
        status = json.loads(self.vidx("status", "--json").stdout)
        return {row["service"]: row for row in status["services"]}

    def processes(self) -> dict[str, Process]:
        """The services' processes by name, as the supervisor sees them."""
        running = Home(self.home).state().running
        assert running is not None
        return {process.name: process for process in Control(running).processes()}

    @property
    def address(self) -> str:
        """host:port of the gateway."""
        return self.address_of("gateway")

    def address_of(self, program: str) -> str:
        """host:port where a part or a service listens."""
        return f"127.0.0.1:{Home(self.home).state().ports[program]}"

    def log(self, service: str) -> str:
        """What a service wrote so far."""
        return (self.home / "logs" / f"{service}.log").read_text()


def with_ports(home: Path) -> Home:
    """A home that has ports, as if from an earlier start: no other process of the tests chooses them meanwhile."""
    found = Home(home)
    found.save(State(dict(zip(PORTS, free_ports(len(PORTS)), strict=True))))
    return found


@contextmanager
def serving(home: Path, *options: str, extra: Mapping[str, str] | None = None) -> Iterator[Platform]:
    """A ready platform, stopped with all its processes at the end."""
    platform = Platform(with_ports(home).root, extra)
    platform.up(*options)
    try:
        yield platform
    finally:
        platform.down()
