"""Short versions of videos over the gateway: what they keep, and as files."""

from collections.abc import Callable
from typing import Any

from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import chapters_pb2

from services.cli.chapters import MAKING_S
from services.cli.client import Gateway
from services.cli.files import whole
from services.core.errors import Incomplete
from services.runtime.media_proto import duration

CUT_S = 3700.0
"""Deadline of a film; above the gateway's own."""


def wish(name: str, length: int, focus: str) -> pb.GetSkimRequest:
    """A short version of at most so many nanoseconds."""
    return pb.GetSkimRequest(name=name, length=duration(length), focus=focus)


def skim(gateway: Gateway, request: pb.GetSkimRequest) -> chapters_pb2.Skim:
    """What it keeps."""
    return gateway.call(gateway.stub.GetSkim, request, MAKING_S)


def save(
    gateway: Gateway, request: pb.ExportSkimRequest, path: str, moved: Callable[[chapters_pb2.Skim, int], None]
) -> tuple[chapters_pb2.Skim, int]:
    """Write it to a file, which is whole or is not there; what it keeps, and the file's bytes.

    `moved` is called with the same as it comes. Raises Incomplete when no film came.
    """
    kept, size = chapters_pb2.Skim(), 0
    with whole(path) as file, gateway.errors():
        parts: Any = gateway.stub.ExportSkim(request, timeout=CUT_S)
        try:
            for part in parts:
                if part.WhichOneof("part") == "skim":
                    kept = part.skim
                size += file.write(part.chunk)
                moved(kept, size)
        finally:
            parts.cancel()
        if not size:
            raise Incomplete("the gateway sent no film")
    return kept, size
