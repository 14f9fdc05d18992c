"""`vidx skim`: a short version of a video."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from services.cli.commands import options
from services.cli.inputs import Length
from services.cli.output import clock, json_line, one_line, say, span, table, valid

if TYPE_CHECKING:
    from vidx.media.v1 import chapters_pb2


@click.command("skim")
@options.name
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="F.mp4", help="Write it there.")
@click.option(
    "--length", type=Length(), default="60s", show_default=True, help="How long it may be: 90, 60s, 2m, 1:30."
)
@click.option("--focus", default="", metavar="TEXT", help="What it is to be about.")
@click.option("--max-height", type=click.IntRange(0, 4320), default=None, metavar="N", help="With -o: pixels; 720.")
@options.as_json
def skim_command(
    name: str, collection: str, output: str | None, length: int, focus: str, max_height: int | None, json: bool
) -> None:
    """What a short version of a video keeps; or, with -o, that version as an MP4 file."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli import skims
    from services.cli.client import connect, video_name

    if max_height is not None and output is None:
        raise click.UsageError("--max-height is for --output")
    wish = skims.wish(video_name(name, collection), length, valid(focus))
    with connect() as gateway:
        if output is None:
            kept, size = skims.skim(gateway, wish), 0
        else:
            request = pb.ExportSkimRequest(skim=wish, max_height=max_height or 0)
            with _progress() as moved:
                kept, size = skims.save(gateway, request, output, moved)
    if json:
        say(json_line(kept, whole=True))
    elif output is not None:
        say(f"{one_line(output)}: {size} bytes, {_told(kept)}")
    else:
        table(["part", "range"], [(i, span(range_)) for i, range_ in enumerate(kept.ranges, 1)])


@contextmanager
def _progress() -> Iterator[Callable[["chapters_pb2.Skim", int], None]]:
    """A line on the terminal behind standard error; nothing where there is none."""
    if not sys.stderr.isatty():
        yield lambda kept, size: None
        return
    from rich.console import Console

    with Console(stderr=True).status("choosing what to keep") as line:
        yield lambda kept, size: line.update(
            f"{_told(kept)}: {size / 1e6:.1f} MB" if size else f"{_told(kept)}: being cut"
        )


def _told(kept: "chapters_pb2.Skim") -> str:
    return f"{len(kept.ranges)} ranges, {clock(kept.length)}"
