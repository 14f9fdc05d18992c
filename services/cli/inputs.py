"""What people type: times, labels, and the sources of videos."""

import os
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from services.cli.output import printable
from services.core.errors import InvalidInput
from services.core.times import SECOND

if TYPE_CHECKING:
    from vidx.gateway.v1 import video_index_service_pb2 as gateway_pb2

VIDEO_SUFFIXES = (
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv"),
    *(".ts", ".vob", ".webm", ".wmv"),
)
"""What a walk through a folder takes for a video; a file that is named is taken whatever it is called."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)s?", re.ASCII)

_ENDLESS = 10**9 * SECOND
_LENGTH = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d*)?)s?)?", re.ASCII)


class Time(click.ParamType[int]):
    """A time such as 12.5, 12.5s, 2:03 or 1:02:03.5, exactly, in nanoseconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _TIME.fullmatch(str(value).strip())
        try:
            if found:
                hours, minutes, seconds = found.groups()
                return int((Decimal(hours or 0) * 3600 + Decimal(minutes or 0) * 60 + Decimal(seconds)) * SECOND)
        except InvalidOperation:
            pass
        self.fail(f"{str(value)[:80]!r} is not a time such as 12.5, 12.5s, 2:03 or 1:02:03.5", param, ctx)


class Length(click.ParamType[int]):
    """A length such as 90, 60s, 2m, 1h5m or 1:30, exactly, in nanoseconds; more than nothing."""

    name = "length"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value).strip()
        if found := _LENGTH.fullmatch(text):
            hours, minutes, seconds = (part or "0" for part in found.groups())
            text = f"{hours}:{minutes}:{seconds}"
        try:
            length = Time().convert(text, param, ctx)
        except click.BadParameter:
            length = 0
        if not 0 < length < _ENDLESS:
            self.fail(f"{str(value)[:80]!r} is not a length such as 90, 60s, 2m or 1:30", param, ctx)
        return length


class Range(click.ParamType[tuple[int, int]]):
    """Two times with a hyphen between them, such as 1:00-2:30, in nanoseconds."""

    name = "from-to"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value[0], value[1]
        start, _, end = str(value).partition("-")
        found = Time().convert(start, param, ctx), Time().convert(end, param, ctx)
        if found[0] >= found[1]:
            self.fail(f"{str(value)[:80]!r} ends before it begins", param, ctx)
        return found


class Label(click.ParamType[tuple[str, str]]):
    """KEY=VALUE"""

    name = "key=value"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value[0], value[1]
        key, equals, text = str(value).partition("=")
        if not key or not equals:
            self.fail(f"{str(value)[:80]!r} is not KEY=VALUE", param, ctx)
        return key, text


def sources(arguments: Iterable[str]) -> Iterator[str]:
    """Paths of files and addresses, in order; folders are walked for video files, by name, hidden ones left out.

    A folder without a video is an error (`click.UsageError`): whoever names it expects something of it.
    """
    for argument in arguments:
        if is_address(argument):
            yield argument
        elif os.path.isdir(argument):
            found = sorted(_walk(argument))
            if not found:
                raise click.UsageError(f"no video file in the folder {argument!r}")
            yield from found
        else:
            yield argument


def subtitle_file(path: str) -> "gateway_pb2.SubtitleFile":
    """A subtitle file to send. Raises InvalidInput when it cannot be read."""
    from vidx.gateway.v1 import video_index_service_pb2 as gateway_pb2

    try:
        with open(path, "rb") as file:
            # One byte more than is taken, so that the server says what is too much.
            content = file.read((8 << 20) + 1)
    except OSError as error:
        raise InvalidInput(f"{printable(path)}: {error.strerror or error}") from error
    return gateway_pb2.SubtitleFile(file_name=printable(os.path.basename(path)), content=content)


def is_address(argument: str) -> bool:
    """True for scheme://..., unless a file of that name lies here."""
    return bool(_ADDRESS.match(argument)) and not os.path.exists(argument)


def _walk(folder: str) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in VIDEO_SUFFIXES:
                yield os.path.join(path, name)
