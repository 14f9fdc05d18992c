"""`vidx search`: one query, or a stream of them on standard input."""

import sys

import click

from services.cli.commands import options
from services.cli.inputs import Label
from services.cli.output import json_line, printable, say, span, valid
from services.cli.tracks import Track, Weight, weights


@click.command("search")
@click.argument("text")
@options.collection
@click.option("--video", "videos", multiple=True, metavar="NAME", help="Only in this video; may be repeated.")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Moments wanted.")
@click.option("--per-video", type=click.IntRange(0), default=0, help="Most moments of one video; 0 for no bound.")
@click.option("--min-score", type=click.FloatRange(0, 1), default=0.0, help="Leave out what matches less.")
@click.option("--label", "labels", multiple=True, type=Label(), help="Only in videos with it; may be repeated.")
@click.option("--track", "tracks", multiple=True, type=Track(), help="Only by it; may be repeated.")
@click.option(
    "--weight", "given", multiple=True, type=Weight(), help="How much a track counts, up to 1; may be repeated."
)
@click.option("--shot-label", "shot_labels", multiple=True, metavar="L", help="Only shots with it; may be repeated.")
@click.option("--facets", is_flag=True, help="Count the collection's labels over the shots that may answer.")
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
    tracks: tuple[str, ...],
    given: tuple[tuple[str, float], ...],
    shot_labels: tuple[str, ...],
    facets: bool,
    thumbnails: str | None,
    json: bool,
) -> int:
    """Find the moments that match TEXT, best first, and what of each matched.

    Words in double quotes must be said, written or in a caption, in that order: vidx search '"launch pad" at night'.

    With `-` for TEXT each line of standard input is a query and is answered with one line of JSON, in order; a query
    that fails is answered with {"error": ...} and makes the exit status 1.
    """
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli import searching
    from services.cli.client import collection_name, connect, video_name

    ask = pb.SearchRequest(
        parent=collection_name(collection),
        max_moments_per_video=per_video,
        min_score=min_score,
        query=valid(text),
        tracks=weights(tracks, given),
        with_facets=facets,
    )
    ask.filter.videos.extend(video_name(video, collection) for video in videos)
    ask.filter.labels.update(dict(labels))
    ask.filter.shot_labels.extend(map(valid, shot_labels))
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
        for line in searching.evidence(moment):
            say(f"       {line}")
    for facet in answer.facets:
        say(f"{facet.count:8} shots  {printable(facet.label)}")
    if not answer.moments:
        click.echo("nothing found", err=True)
    return 0
