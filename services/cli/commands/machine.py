"""`vidx up`, `down`, `status`, `logs`: the platform on this machine."""

import json as json_text
import os
import signal
import threading
import time
from typing import Any

import click

from services.cli.home import Home, home
from services.cli.output import complain, json_line, printable, say, table
from services.core.errors import NotFound, VidxError

STATUS_S = 15.0
"""Longest that `vidx status` waits for the gateway."""


def _tell(line: str) -> None:
    click.echo(printable(line), err=True)


def _workers(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for value in values:
        stage, _, count = value.partition("=")
        if not count.isdigit():
            raise click.BadParameter(f"{value!r} is not STAGE=N")
        found[stage] = int(count)
    return found


@click.command("up")
@click.option("--detach", is_flag=True, help="Return when it is ready, and leave it running.")
@click.option("--pack", default="builtin", show_default=True, help="Model pack: a name or a TOML file.")
@click.option("--models", type=click.Path(file_okay=False), envvar="VIDX_MODELS", help="Built packs; VIDX_HOME/models.")
@click.option("--store", envvar="VIDX_STORE_URL", default="", help="Object store; a folder of VIDX_HOME.")
@click.option("--catalog", envvar="VIDX_CATALOG_URL", default="", help="Catalog database; a file of VIDX_HOME.")
@click.option("--allow-import", "imports", multiple=True, metavar="DIR", help="Let file:// addresses read from DIR.")
@click.option("--workers", multiple=True, callback=_workers, metavar="STAGE=N", help="Processes of a stage.")
@click.option("--timeout", type=click.FloatRange(1), default=90.0, show_default=True, help="Seconds to become ready.")
def up_command(
    detach: bool,
    pack: str,
    models: str | None,
    store: str,
    catalog: str,
    imports: tuple[str, ...],
    workers: dict[str, int],
    timeout: float,
) -> int:
    """Start the platform on this machine, and stop it at Ctrl-C.

    The model pack is built when it is missing. All doors are on loopback; all data lies in VIDX_HOME.
    """
    from services.cli.machine import models as packs
    from services.cli.machine import platform
    from services.cli.machine.programs import Options, plan, port_names

    stop = threading.Event()
    if not detach:
        # Also while it starts: a supervisor's SIGTERM must not leave half a platform. SIGINT by name, because a
        # shell that starts a command in the background has it ignored.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _interrupt)
    where = home()
    folder, _ = packs.build(pack, models or where.models, _tell)
    began = time.monotonic()
    options = Options(store=store, catalog=catalog, imports=imports, workers=workers)
    fresh = platform.up(where, lambda ports: plan(where, ports, folder, options), timeout, _tell, port_names(options))
    address = f"127.0.0.1:{where.state().ports['gateway']}"
    if not fresh:
        say(f"the platform of {where.root} is running already; its gateway is {address}")
        return 0
    say(f"ready after {time.monotonic() - began:.1f} s; the gateway is {address}")
    if detach:
        return 0
    try:
        say("Ctrl-C stops it")
        while platform.running(where):
            stop.wait(1.0)
    except KeyboardInterrupt:
        say("stopping")
        platform.down(where, _tell)
        return 0
    if where.state().running is None:
        say("stopped by `vidx down`")
        return 0
    complain("the supervisor has gone; stopping what it left")
    platform.down(where, _tell)
    return 1


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


@click.command("down")
def down_command() -> None:
    """Stop the platform of this machine; nothing stays running."""
    from services.cli.machine import platform

    where = home()
    say("stopped" if platform.down(where, _tell) else f"nothing runs for {where.root}")


@click.command("status")
@click.option("--json", "json", is_flag=True, help="Print one JSON object.")
def status_command(json: bool) -> int:
    """What runs and where, queues, workers, failures by cause, and when what waits will be done.

    Of the platform of this machine, or with VIDX_ADDRESS of any other, as its gateway tells. The exit status is 0 when
    everything runs.
    """
    from services.cli import status as shown

    where = home()
    remote = bool(os.environ.get("VIDX_ADDRESS"))
    rows = [] if remote else _processes(where)
    platform, fault = _platform() if remote or rows else (None, "")
    fine = platform is not None and shown.healthy(platform) and all(row["state"] == "RUNNING" for row in rows)
    if json:
        told = None if platform is None else json_text.loads(json_line(platform, whole=True))
        found = {"home": str(where.root), "running": bool(rows), "services": rows}
        say(json_text.dumps(({} if remote else found) | {"platform": told, "error": fault}))
        return 0 if fine else 1
    if not rows and not remote:
        say(f"nothing runs for {where.root}")
        return 1
    if rows:
        say(f"home {printable(str(where.root))}, gateway 127.0.0.1:{where.state().ports['gateway']}")
        lines = [[*list(row.values())[:4], f"{row['memory_bytes'] >> 20} MiB", *list(row.values())[5:]] for row in rows]
        table(["service", "state", "pid", "uptime s", "memory", "address", "metrics"], lines)
    if platform is None:
        complain(fault)
        return 1
    say(shown.videos_line(platform))
    say(shown.backlog_line(platform))
    table(shown.QUEUE_HEADERS, shown.queue_rows(platform))
    for line in shown.trouble_lines(platform):
        say(line)
    return 0 if fine else 1


def _processes(where: Home) -> list[dict[str, Any]]:
    """A row a process of this machine's platform; none when it does not run."""
    from services.cli.machine import platform, processes
    from services.cli.machine.programs import metrics_name
    from services.cli.machine.supervisor import Control

    known, ports = platform.running(where), where.state().ports
    now = time.time()
    return [
        {
            "service": p.name,
            "state": p.state,
            "pid": p.pid,
            "uptime_s": max(0, round(now - p.since)) if p.pid else 0,
            "memory_bytes": processes.memory(p.pid) if p.pid else 0,
            "address": f"127.0.0.1:{ports[p.name]}" if p.name in ports else "",
            "metrics": f"127.0.0.1:{ports[name]}" if (name := metrics_name(p.name)) in ports else "",
        }
        for p in (Control(known).processes() if known else [])
    ]


def _platform() -> tuple[Any, str]:
    """What the gateway tells, or why it tells nothing."""
    from vidx.gateway.v1 import status_service_pb2 as pb

    from services.cli.client import connect

    try:
        with connect() as gateway:
            return gateway.call(gateway.status.GetStatus, pb.GetStatusRequest(), STATUS_S), ""
    except VidxError as error:
        return None, error.message


@click.command("logs")
@click.argument("service", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on with what is being written.")
@click.option("--lines", "-n", type=click.IntRange(0), default=50, show_default=True, help="Last lines of each.")
def logs_command(service: str | None, follow: bool, lines: int) -> None:
    """What the services wrote, or one of them."""
    from services.cli.machine import logs

    where = home()
    files = {file.stem: file for file in sorted(where.logs.glob("*.log"))}
    if service is not None:
        if service not in files:
            raise NotFound(f"no log of {service[:80]!r}; there are: {', '.join(files) or 'none'}")
        files = {service: files[service]}
    for name, file in files.items():
        for line in logs.tail(file, lines):
            say(printable(line if service else f"{name} | {line}"))
    if follow:
        for name, line in logs.follow(files):
            say(printable(line if service else f"{name} | {line}"))
