"""`vidx chapters`, `vidx summary`, `vidx ask`: what is in videos, part by part."""

import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from services.cli.commands import options
from services.cli.files import whole
from services.cli.inputs import Length, Range
from services.cli.output import json_line, one_line, say, span, table, valid

if TYPE_CHECKING:
    from vidx.gateway.v1 import video_index_service_pb2 as pb

_EXPORTED = ("webvtt", "youtube", "ffmetadata", "srt", "edl", "otio")


@click.command("chapters")
@options.name
@click.option("--set", "file", type=click.Path(), metavar="FILE", help="Set them by hand, from a file.")
@click.option("--clear", is_flag=True, help="Forget what was set by hand.")
@click.option("--wait", is_flag=True, help="With --set or --clear: until what depends on it has been done again.")
@click.option("--count", type=click.IntRange(1, 500), default=None, metavar="N", help="Show as many; not stored.")
@click.option("--shortest", type=Length(), default=None, metavar="T", help="Show none shorter, such as 2m; not stored.")
@click.option("--longest", type=Length(), default=None, metavar="T", help="Show none longer; not stored.")
@click.option(
    "--title", "titles", multiple=True, metavar="T", help="Show where it is; not stored; may be repeated, in order."
)
@click.option("--format", "format_", type=click.Choice([*_EXPORTED, "json"]), help="As a file of another tool.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), metavar="FILE", help="Write it there.")
@options.as_json
def chapters_command(
    name: str,
    collection: str,
    file: str | None,
    clear: bool,
    wait: bool,
    count: int | None,
    shortest: int | None,
    longest: int | None,
    titles: tuple[str, ...],
    format_: str | None,
    output: str | None,
    json: bool,
) -> int:
    """The chapters of a video, in order; or set them by hand.

    --set takes WebVTT, YouTube lines, FFmetadata, SRT, or the JSON that --json prints. All chapters of the file are
    locked: they stay as they are, and the rest of the video is divided around them. With --json they are one message.
    """
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli import chapters
    from services.cli.changing import changed
    from services.cli.client import connect, video_name
    from services.runtime.media_proto import duration

    divided = any(wish is not None for wish in (count, shortest, longest))
    setting, asking = file is not None or clear, divided or bool(titles)
    as_json = json or format_ == "json"
    if file is not None and clear:
        raise click.UsageError("--set and --clear exclude each other")
    if setting and (asking or format_ or output):
        raise click.UsageError("--set and --clear show nothing: leave the other options out")
    if wait and not setting:
        raise click.UsageError("--wait is for --set and --clear")
    if divided and titles:
        raise click.UsageError("--title comes without --count, --shortest and --longest")
    if format_ in _EXPORTED and (asking or json):
        raise click.UsageError(f"--format {format_} is of the stored chapters, and without --json")
    if output and not (format_ or json):
        raise click.UsageError("--output needs a --format")
    full = video_name(name, collection)
    with connect() as gateway:
        if setting:
            request = chapters.change(full, file)
            return changed(gateway, gateway.call(gateway.stub.UpdateChapters, request), wait, json)
        if format_ in _EXPORTED:
            _write(chapters.export(gateway, full, str(format_)), output)
            return 0
        wanted = pb.ListChaptersRequest(
            parent=full,
            count=count or 0,
            titles=map(valid, titles),
            shortest=None if shortest is None else duration(shortest),
            longest=None if longest is None else duration(longest),
        )
        found = chapters.chapters(gateway, wanted)
    chapters.complain_of(found, "" if asking else full)
    if as_json:
        _write(f"{json_line(found, whole=True)}\n".encode(), output)
        return 0
    rows = [(i, span(c.range), c.title, _held(c)) for i, c in enumerate(found.chapters, 1)]
    table(["chapter", "range", "title", ""], rows)
    return 0


@click.command("summary")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.collection
@click.option("--length", type=click.Choice(["short", "medium", "long"]), help="Medium; of a chapter short.")
@click.option("--chapter", default="", metavar="C", help="Of a chapter: its number, or the last part of its name.")
@click.option("--range", "range_", type=Range(), metavar="A-B", help="Of a part, such as 1:00-2:30.")
@click.option("--focus", default="", metavar="TEXT", help="What it is to be about.")
@options.as_json
def summary_command(
    names: tuple[str, ...],
    collection: str,
    length: str | None,
    chapter: str,
    range_: tuple[int, int] | None,
    focus: str,
    json: bool,
) -> int:
    """What a video, a chapter or a part of it says, a sentence a line, each with the time that it rests on.

    Of several videos of a collection it is one summary, and each line says which of them it is of.
    """
    from services.cli import chapters, summaries
    from services.cli.client import connect, video_name
    from services.cli.progress import board

    if chapter and range_:
        raise click.UsageError("--chapter and --range exclude each other")
    if len(names) > 1 and (chapter or range_):
        raise click.UsageError("--chapter and --range are of one video")
    full = [video_name(name, collection) for name in names]
    # Standard output is the summary's alone.
    with connect() as gateway, closing(board(json=True)) as shown:
        if len(full) > 1:
            found, stored = summaries.together(gateway, full, length or "", valid(focus), shown), False
        else:
            found, stored = summaries.summary(
                gateway, full[0], valid(chapter), range_, length or "", valid(focus), shown
            )
        titles = {} if json else chapters.titles(gateway, (one.video for one in found.sentences if one.video))
    chapters.complain_of(found, full[0] if stored else "")
    if json:
        say(json_line(found, whole=True))
        return 0
    rows = [(", ".join(map(span, one.ranges)), one_line(one.text)) for one in found.sentences]
    if len(full) > 1:
        of = [one_line(titles[one.video]) for one in found.sentences]
        table(["video", "range", "text"], [(title, *row) for title, row in zip(of, rows, strict=True)])
    else:
        table(["range", "text"], rows)
    if not found.sentences:
        click.echo("nothing is about that" if focus else "nothing is said, shown as text or described", err=True)
    return 0


@click.command("ask")
@click.argument("question")
@options.collection
@click.option("--video", "videos", multiple=True, metavar="NAME", help="Only this video; may be repeated.")
@options.as_json
def ask_command(question: str, collection: str, videos: tuple[str, ...], json: bool) -> int:
    """Answer a QUESTION from what videos say and show: each sentence with the video and the time where it stands."""
    from services.cli import chapters
    from services.cli.client import collection_name, connect, video_name

    named = [video_name(video, collection) for video in videos]
    with connect() as gateway:
        answer = chapters.ask(gateway, collection_name(collection), valid(question), named)
        cited = [c.video for one in answer.sentences for c in one.citations]
        titles = {} if json else chapters.titles(gateway, cited)
    chapters.complain_of(answer)
    if json:
        say(json_line(answer, whole=True))
        return 0
    for sentence in answer.sentences:
        say(one_line(sentence.text))
        for c in sentence.citations:
            say(f"    {span(c.range)}  {one_line(titles[c.video])}  {one_line(c.video)}")
    if not answer.sentences:
        say("Not in these videos.")
    return 0


def _held(chapter: "pb.Chapter") -> str:
    """Who says that a chapter is one, where somebody does."""
    from vidx.media.v1 import chapters_pb2

    return "locked" if chapter.locked else "file" if chapter.title_source == chapters_pb2.Chapter.FILE else ""


def _write(content: bytes, output: str | None) -> None:
    """To a file, or to standard output."""
    if output is None:
        sys.stdout.flush()
        click.echo(content, nl=False)
        return
    with whole(output) as file:
        file.write(content)
    say(f"{one_line(output)}: {len(content)} bytes")
