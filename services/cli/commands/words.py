"""Commands about what videos say and show, in words: transcript, captions, text."""

import click

from services.cli.commands import options
from services.cli.output import json_line, say, span, table

_EXPORTED = {"text": "TEXT", "srt": "SRT", "webvtt": "WEBVTT"}


@click.command("transcript")
@options.name
@click.option(
    "--format",
    "format_",
    type=click.Choice([*_EXPORTED, "json"]),
    help="As sentences, as a subtitle file, or as --json; a line a cue with its time when not given.",
)
@click.option("--language", default="", metavar="L", help='BCP 47, such as "en"; the first transcript when not given.')
@click.option("--set", "file", type=click.Path(), metavar="FILE", help="Put a corrected transcript in its place.")
@click.option("--clear", is_flag=True, help="Take back what was put in, and go by the other sources again.")
@click.option("--wait", is_flag=True, help="With --set or --clear: until what depends on it has been done again.")
@options.as_json
def transcript_command(
    name: str,
    collection: str,
    format_: str | None,
    language: str,
    file: str | None,
    clear: bool,
    wait: bool,
    json: bool,
) -> int:
    """What is said in a video; or put a corrected transcript in.

    --set takes an SRT, WebVTT, TTML or ASS file, or the JSON that --json prints. With --json all cues are one message.
    """
    from services.cli import transcripts
    from services.cli.client import connect, video_name

    if file is not None and clear:
        raise click.UsageError("--set and --clear exclude each other")
    if (file is not None or clear) and format_:
        raise click.UsageError("--format is for reading a transcript")
    if clear and language:
        raise click.UsageError("--language is not for --clear")
    if wait and file is None and not clear:
        raise click.UsageError("--wait is for --set and --clear")
    full = video_name(name, collection)
    with connect() as gateway:
        if file is not None or clear:
            change = transcripts.change(full, file, language)
            return transcripts.put(gateway, change, wait, json)
        if format_ in _EXPORTED and not json:
            click.echo(transcripts.export(gateway, full, language, _EXPORTED[str(format_)]), nl=False)
            return 0
        found = transcripts.whole(gateway, full, language)
    if json or format_ == "json":
        say(json_line(found, whole=True))
        return 0
    table(["range", "text"], [(span(s.range), " / ".join(s.text.splitlines())) for s in found.segments])
    if not found.segments:
        click.echo("nothing is said", err=True)
    return 0


@click.command("captions")
@options.name
@options.as_json
def captions_command(name: str, collection: str, json: bool) -> None:
    """What is seen in each shot, in a sentence, and the collection's labels that it carries."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect, video_name

    request = pb.ListCaptionsRequest(parent=video_name(name, collection), page_size=10_000)
    with connect() as gateway:
        found = [d for page in gateway.pages(gateway.stub.ListCaptions, request) for d in page.descriptions]
    if json:
        say(json_line(pb.ListCaptionsResponse(descriptions=found), whole=True))
        return
    table(
        ["shot", "range", "sure", "caption", "labels"],
        [
            (
                d.shot,
                span(d.range),
                f"{d.caption.confidence:.2f}" if d.HasField("caption") else "",
                " ".join(filter(None, [d.caption.brief, d.caption.detailed])),
                ", ".join(f"{label.label} {label.score:.2f}" for label in d.labels),
            )
            for d in found
        ],
    )
    if not found:
        click.echo("nothing could be said of any shot", err=True)


@click.command("text")
@options.name
@options.as_json
def text_command(name: str, collection: str, json: bool) -> None:
    """What is written in the picture, and while it is seen."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect, video_name

    request = pb.ListOnScreenTextRequest(parent=video_name(name, collection), page_size=10_000)
    with connect() as gateway:
        found = [r for page in gateway.pages(gateway.stub.ListOnScreenText, request) for r in page.readings]
    if json:
        say(json_line(pb.ListOnScreenTextResponse(readings=found), whole=True))
        return
    table(
        ["range", "sure", "text"],
        [(span(r.range), f"{r.confidence:.2f}", " / ".join(r.text.splitlines())) for r in found],
    )
    if not found:
        click.echo("nothing is written in the picture", err=True)
