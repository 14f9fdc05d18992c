"""`vidx bench`: how fast the running platform is."""

import importlib.util
import json as json_text
import tempfile
from pathlib import Path

import click

from services.cli.output import printable, say, table
from services.core.errors import NotFound


@click.command("bench")
@click.option("--minutes", type=click.FloatRange(0.2, 180), default=1.0, show_default=True, help="Of each longer film.")
@click.option(
    "--queries", type=click.IntRange(10, 10_000), default=100, show_default=True, help="A round of searching."
)
@click.option(
    "--clients",
    type=click.IntRange(1, 64),
    multiple=True,
    default=(1, 4, 16),
    show_default=True,
    help="A round with so many asking at a time; may be repeated.",
)
@click.option("--json", "json", is_flag=True, help="Print one JSON object.")
def bench_command(minutes: float, queries: int, clients: tuple[int, ...], json: bool) -> None:
    """How fast the running platform is, on this machine's own films: indexing, then searching what was indexed.

    The films go into a collection of their own, which is removed at the end. Other work on the platform at the same
    time makes the figures worse. ready: seconds from the end of an upload until the video can be searched.
    """
    from services.cli import benching
    from services.cli.client import connect

    for module in ("av", "skimage"):
        if importlib.util.find_spec(module) is None:
            raise NotFound("the films are made with what `vidx up` needs as well: pip install 'vidx[local]'")
    with connect() as gateway, tempfile.TemporaryDirectory(prefix="vidx-bench-") as folder:
        found = benching.run(
            gateway, Path(folder), minutes, queries, clients, lambda line: click.echo(printable(line), err=True)
        )
    if json:
        say(json_text.dumps(found.as_dict()))
        return
    say(", ".join(f"{key} {value}" for key, value in found.machine.items()))
    say(", ".join(f"{name} {version}" for name, version in found.versions.items()))
    for one in found.indexed:
        say(f"{one.film}: {one.input}, {one.size_bytes / 1e6:.1f} MB, {one.rows} rows")
    rows = []
    for one in found.indexed:
        share = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in one.busy_s.items())
        rows.append((one.film, f"{one.seconds:.0f} s", f"{one.ready_s:.2f} s", f"{one.real_time:.1f} x", share))
    table(["film", "length", "ready", "real time", "worker seconds by stage"], rows)
    table(
        ["clients", "queries", "p50", "p95", "p99", "a second"],
        [
            (s.clients, s.queries, f"{s.p50_ms:.0f} ms", f"{s.p95_ms:.0f} ms", f"{s.p99_ms:.0f} ms", f"{s.per_s:.1f}")
            for s in found.searched
        ],
    )
