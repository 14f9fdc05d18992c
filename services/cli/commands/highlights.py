"""`vidx highlights`: what stands out in a video, or answers a query."""

import sys
from collections.abc import Sequence

import click

from services.cli.commands import options
from services.cli.output import clock, json_line, say, span, table, valid

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDEST = 100


@click.command("highlights")
@options.name
@click.option("--query", default="", metavar="TEXT", help="What to look for; without it, what stands out.")
@click.option(
    "--limit", type=click.IntRange(1, 100), default=10, show_default=True, metavar="N", help="At most so many."
)
@options.as_json
def highlights_command(name: str, collection: str, query: str, limit: int, json: bool) -> int:
    """The moments of a video that stand out, best first: when each is, when it is best, and how good, from 0 to 1.

    With --query, those that answer it, scored as `vidx search` scores them. A terminal shows the whole curve as well.
    """
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.chapters import MAKING_S
    from services.cli.client import connect, video_name

    request = pb.GetHighlightsRequest(name=video_name(name, collection), query=valid(query), limit=limit)
    with connect() as gateway:
        found = gateway.call(gateway.stub.GetHighlights, request, MAKING_S)
    if json:
        say(json_line(found, whole=True))
        return 0
    if sys.stdout.isatty() and found.saliency:
        from rich.console import Console

        say(sparkline(found.saliency, min(_WIDEST, Console().width)))
    rows = [(span(one.range), clock(one.peak), f"{one.score:.3f}") for one in found.highlights]
    table(["range", "peak", "score"], rows)
    if not rows:
        click.echo("nothing stands out" if not query.strip() else "nothing like it", err=True)
    return 0


def sparkline(curve: Sequence[float], width: int) -> str:
    """A curve of values from 0 to 1 on one line of at most so many characters; each shows the highest of its part."""
    count = min(len(curve), width)
    parts = (curve[len(curve) * i // count : len(curve) * (i + 1) // count] for i in range(count))
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int(max(part) * len(_BLOCKS)))] for part in parts)
