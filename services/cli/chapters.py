"""Chapters and answers over the gateway."""

import os
from collections.abc import Iterable
from typing import Any

from google.protobuf.json_format import Parse, ParseError
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import chapters_pb2, media_pb2

from services.cli.client import Gateway
from services.cli.output import complain, printable
from services.cli.tracks import again
from services.core.errors import InvalidInput, NotFound

MAKING_S = 180.0
"""Deadline of what a language model may write; above the gateway's own."""
MAX_FILE = 1 << 20


def chapters(gateway: Gateway, request: pb.ListChaptersRequest) -> pb.ListChaptersResponse:
    """The stored chapters, or those that are made as asked."""
    return gateway.call(gateway.stub.ListChapters, request, MAKING_S)


def change(name: str, file: str | None) -> pb.UpdateChaptersRequest:
    """What to ask to set the chapters of a file, or, without one, to forget what was set. Raises InvalidInput, OSError.

    A file is what `vidx chapters --json` prints, or WebVTT, FFmetadata, SRT or lines with times, such as "0:00 Title".
    """
    request = pb.UpdateChaptersRequest(parent=name)
    if file is None:
        return request
    with open(file, "rb") as opened:
        content = opened.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise InvalidInput(f"{printable(file)}: more than {MAX_FILE} bytes")
    if not file.lower().endswith(".json") and not content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        request.file.content = content
        return request
    try:
        found = Parse(content, pb.ListChaptersResponse(), ignore_unknown_fields=True)
    except (ParseError, UnicodeDecodeError) as error:
        rule = "JSON must be what `vidx chapters --json` prints"
        raise InvalidInput(f"{printable(os.path.basename(file))}: {rule}: {error}") from error
    if not found.chapters:
        raise InvalidInput(f"{printable(os.path.basename(file))}: it names no chapter; --clear forgets what was set")
    for one in found.chapters:
        request.chapters.chapters.add(range=one.range, title=one.title)
    return request


def export(gateway: Gateway, name: str, format_: str) -> bytes:
    """The stored chapters as a file."""
    return gateway.call(gateway.stub.ExportChapters, pb.ExportChaptersRequest(parent=name, format=format_)).content


def chapter_name(gateway: Gateway, name: str, chapter: str) -> str:
    """A chapter's full name, from its number in the list, from 1, or from the last part of its name."""
    if not chapter.isascii() or not chapter.isdigit():
        return f"{name}/chapters/{chapter.rpartition('/')[2]}"
    listed = chapters(gateway, pb.ListChaptersRequest(parent=name)).chapters
    if not 1 <= int(chapter) <= len(listed):
        raise NotFound(f"{name} has {len(listed)} chapters, none of number {chapter[:20]}")
    return listed[int(chapter) - 1].name


def ask(gateway: Gateway, parent: str, question: str, videos: list[str]) -> chapters_pb2.Answer:
    """What videos say to a question."""
    return gateway.call(gateway.stub.Ask, pb.AskRequest(parent=parent, question=question, videos=videos), MAKING_S)


def titles(gateway: Gateway, videos: Iterable[str]) -> dict[str, str]:
    """Titles of videos by name; a name where the video is gone."""
    found = {}
    for name in dict.fromkeys(videos):
        try:
            found[name] = gateway.call(gateway.stub.GetVideo, pb.GetVideoRequest(name=name)).title
        except NotFound:
            found[name] = name
    return found


def complain_of(message: Any, name: str = "") -> None:
    """Say that a language model was asked in vain; `name` is the video where what it should have written is stored."""
    if not message.HasField("fault"):
        return
    fault: media_pb2.Fault = message.fault
    advice = again(name, "chaptering") if name else "ask again once that is done"
    complain(f"written without the language model: {fault.reason}: {fault.message}; {advice}")
