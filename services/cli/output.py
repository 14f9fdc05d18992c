"""How answers are printed: protobuf JSON a line, plain lines, tables on a terminal, one line an error."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration
    from google.protobuf.message import Message
    from vidx.gateway.v1 import video_index_service_pb2 as gateway_pb2
    from vidx.media.v1 import media_pb2


def valid(text: str) -> str:
    """The text with bytes that are not UTF-8, which the command line may hold, replaced."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def printable(text: str) -> str:
    """The text on one line, with every character that could harm a terminal replaced."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in valid(text))


def one_line(text: str) -> str:
    """The text on one printable line."""
    return printable(" ".join(text.split()))


def complain(message: str) -> None:
    """One line on standard error."""
    click.echo(f"vidx: {one_line(message)}", err=True)


def json_line(message: "Message", *, whole: bool = False) -> str:
    """The message as protobuf JSON on one line. With `whole`, what is false, zero or empty is written as well."""
    from google.protobuf.json_format import MessageToJson

    return MessageToJson(message, indent=None, ensure_ascii=False, always_print_fields_with_no_presence=whole)


def say(text: str = "") -> None:
    """One line on standard output, seen at once by whoever reads a pipe."""
    click.echo(text)
    sys.stdout.flush()


def clock(time: "Duration") -> str:
    """A time as h:mm:ss.mmm, rounded down to the millisecond."""
    minutes, seconds = divmod(time.seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}.{time.nanos // 1_000_000:03d}"


def span(range_: "media_pb2.TimeRange") -> str:
    """A range as start-end."""
    return f"{clock(range_.start)}-{clock(range_.end)}"


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on a terminal; rows of tab-separated columns, without headers, where there is none."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in cells:
            say("\t".join(row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*headers, box=box.SIMPLE_HEAD)
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def removed(what: "gateway_pb2.Removed") -> str:
    """What a delete took away, in words."""
    return f"removed {what.videos} videos, {what.objects} objects ({what.bytes} bytes), {what.rows} rows"


def video_lines(video: "gateway_pb2.Video") -> list[str]:
    """A video for people: a line a fact, and a line a stage."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.tracks import missing

    facts = {
        "name": video.name,
        "title": video.title,
        "state": pb.Video.State.Name(video.state),
        "error": f"{video.error.stage} {video.error.reason}: {video.error.message}" if video.error.reason else "",
        "duration": clock(video.duration) if video.HasField("duration") else "",
        "labels": ", ".join(f"{k}={v}" for k, v in sorted(video.labels.items())),
        "added": video.create_time.ToJsonString(),
        "ready": video.ready_time.ToJsonString() if video.HasField("ready_time") else "",
        "bytes": str(video.size_bytes),
        "sha256": video.sha256,
        "subtitles": video.subtitle_file,
        "rows": str(video.row_count) if video.row_count else "",
    }
    lines = [f"{key:9} {one_line(text)}" for key, text in facts.items() if text]
    lines += [f"{'missing':9} {one_line(line)}" for line in missing(video)]
    for stage in video.stages:
        state = pb.Stage.State.Name(stage.state)
        again = f", attempt {stage.attempts}" if stage.attempts > 1 else ""
        why = f"  {stage.error.reason}: {one_line(stage.error.message)}" if stage.error.reason else ""
        lines.append(f"  {stage.stage:13} {state:10} {stage.done}/{stage.total}, busy {clock(stage.busy)}{again}{why}")
    return lines
