"""`vidx search`: one query, or a stream of them on standard input."""

import sys

import click

from services.cli.commands import options
from services.cli.inputs import Label
from services.cli.output import json_line, printable, say, span, valid


@click.command("search")
@click.argument("text")
@options.collection
@click.option("--video", "videos", multiple=True, metavar="NAME", help="Only in this video; may be repeated.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Moments wanted.")
@click.option("--per-video", type=click.IntRange(0), default=0, help="Most moments of one video; 0 for no bound.")
@click.option("--min-score", type=click.FloatRange(0, 1), default=0.0, help="Leave out what matches less.")
@click.option("--label", "labels", multiple=True, type=Label(), help="Only in videos with it; may be repeated.")
@click.option("--thumbnails", type=click.Path(file_okay=False), metavar="DIR", help="Save each moment's frame there.")
@options.as_json
def search_command(
    text: str,
    collection: str,
    videos: tuple[str, ...],
    limit: int,
    per_video: int,
    min_score: float,
    labels: tuple[tuple[str, str], ...],
    thumbnails: str | None,
    json: bool,
) -> int:
    """Find the moments that match TEXT, best first.

    With `-` for TEXT each line of standard input is a query and is answered with one line of JSON, in order; a query
    that fails is answered with {"error": ...} and makes the exit status 1.
    """
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli import searching
    from services.cli.client import collection_name, connect, video_name

    ask = pb.SearchRequest(
        parent=collection_name(collection), max_moments_per_video=per_video, min_score=min_score, query=valid(text)
    )
    ask.filter.videos.extend(video_name(video, collection) for video in videos)
    ask.filter.labels.update(dict(labels))
    with connect() as gateway:
        if text == "-":
            return 1 if searching.stream(gateway, ask, limit, sys.stdin.buffer) else 0
        answer = searching.search(gateway, ask, limit)
        files = searching.thumbnails(gateway, answer.moments, thumbnails) if thumbnails else []
    if json:
        say(json_line(answer))
        return 0
    for number, moment in enumerate(answer.moments, 1):
        where = f"  {printable(files[number - 1])}" if files else ""
        say(f"{number:3}. {moment.score:.3f}  {span(moment.range)}  {moment.video}{where}")
    if not answer.moments:
        click.echo("nothing found", err=True)
    return 0
