"""`up` and `down`: every step in its order, and nothing left when one fails."""

import fcntl
import json
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from services.cli.home import Home, Running, State
from services.cli.machine import logs, ports, processes, supervisor
from services.cli.machine.health import ready
from services.cli.machine.programs import PARTS, PORTS, TARGETS, TRITON, Program, targets
from services.cli.machine.supervisor import Control
from services.core.errors import Conflict, TimedOut, Unavailable
from services.packs import tritonserver

POLL_S = 0.1
CLOSE_S = 20.0
"""Longest that supervisord may take to end after its programs."""
STARTS = 3
"""A program that has been started so often without becoming ready will not become ready."""
Tell = Callable[[str], None]
Plan = Callable[[Mapping[str, int]], Sequence[Program]]


def running(home: Home) -> Running | None:
    """The supervisor of this home when it lives."""
    known = home.state().running
    return known if known and processes.is_same(known.pid, known.started) else None


def up(home: Home, plan: Plan, within_s: float, tell: Tell, names: Iterable[str] = PORTS) -> bool:
    """Start what `plan` makes of the ports that are chosen for `names`, and return True when all is ready.

    False when it ran already; then whatever had stopped is started again. When it does not become ready in time, the
    end of the failing program's log is told, everything is stopped, and Unavailable is raised.
    """
    with _lock(home):
        known = running(home)
        if known and Control(known).answers():
            control = Control(known)
            for process in control.processes():
                control.start(process.name)
            return False
        _clear(home, tell)
        chosen = ports.choose(names, home.state().ports)
        programs = plan(chosen)
        started = supervisor.start(home, programs)
        (home.run / TARGETS).write_text(json.dumps(targets(programs), indent=1))
        home.save(State(chosen, started))
        try:
            _start(home, Control(started), programs, time.monotonic() + within_s, tell)
        except BaseException:
            tell("stopping what was started")
            _stop(home, started, tell)
            raise
        return True


def down(home: Home, tell: Tell) -> bool:
    """Stop everything; returns False when nothing ran."""
    if not home.state_file.exists():
        return False
    with _lock(home):
        known = home.state().running
        if known is None:
            return False
        return _stop(home, known, tell)


def _start(home: Home, control: Control, programs: Sequence[Program], deadline: float, tell: Tell) -> None:
    while not control.answers():
        if time.monotonic() > deadline:
            raise TimedOut(f"supervisord did not start; see {home.logs / 'supervisord.log'}")
        time.sleep(POLL_S)
    for program in programs:
        if program.part:
            control.start(program.name)
    # A model server takes longest to load; what needs it waits for it by itself.
    _await(home, control, [p for p in programs if p.part and p.check != "http"], deadline, tell)
    for program in programs:
        control.start(program.name)
    _await(home, control, programs, deadline, tell)


def _await(home: Home, control: Control, programs: Iterable[Program], deadline: float, tell: Tell) -> None:
    waiting = {program.name: program for program in programs}
    starts: defaultdict[str, set[int]] = defaultdict(set)
    said = ""
    while True:
        for process in control.processes():
            program = waiting.get(process.name)
            if program is None:
                continue
            if process.pid:
                starts[process.name].add(process.since)
            if ready(program, process):
                del waiting[process.name]
            elif process.state == "FATAL" or len(starts[process.name]) > STARTS:
                raise Unavailable(_failed(home, process.name, "does not start", tell))
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise Unavailable(_failed(home, next(iter(waiting)), "is not ready in time", tell))
        if (names := ", ".join(waiting)) != said:
            tell(f"waiting for {names}")
            said = names
        time.sleep(POLL_S)


def _failed(home: Home, name: str, what: str, tell: Tell) -> str:
    file = home.logs / f"{name}.log"
    for line in logs.tail(file, 20):
        tell(f"{name} | {line}")
    return f"{name} {what}; its log is {file}"


def _stop(home: Home, known: Running, tell: Tell) -> bool:
    """Stop in order when the supervisor answers; end by force whatever is left."""
    found = bool(processes.left_over(known.pid, known.started, home.run))
    if processes.is_same(known.pid, known.started):
        try:
            _ask_to_stop(Control(known))
        except Unavailable as error:
            tell(error.message)
        deadline = time.monotonic() + CLOSE_S
        while processes.is_same(known.pid, known.started) and time.monotonic() < deadline:
            time.sleep(POLL_S)
    _clear(home, tell)
    # When it was this process that started the supervisor, nobody else takes note of its end.
    with suppress(ChildProcessError):
        os.waitpid(known.pid, os.WNOHANG)
    return found


def _ask_to_stop(control: Control) -> None:
    everything = [p.name for p in control.processes()]
    services = [name for name in everything if name not in PARTS]
    # The services first: while they end, they may still need the parts.
    for names in (services, [name for name in everything if name in PARTS]):
        for name in names:
            control.stop(name)
        deadline = time.monotonic() + supervisor.STOP_S + 3
        while any(p.pid for p in control.processes() if p.name in names) and time.monotonic() < deadline:
            time.sleep(POLL_S)
    control.shutdown()


def _clear(home: Home, tell: Tell) -> None:
    """End what an earlier platform left running, and forget it."""
    state = home.state()
    if state.running is None:
        return
    if count := processes.end(state.running.pid, state.running.started, home.run):
        tell(f"ended {count} processes that were left")
    at = Path(state.running.socket)
    at.unlink(missing_ok=True)
    if at.parent != home.run:
        shutil.rmtree(at.parent, ignore_errors=True)
    tritonserver.clear(home.run / TRITON)
    home.save(State(state.ports, None))


@contextmanager
def _lock(home: Home) -> Iterator[None]:
    for folder in (home.root, home.run):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(home.run / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"another `vidx up` or `vidx down` is at work on {home.root}") from None
        yield
