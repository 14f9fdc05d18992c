"""The JPEGs of a segment's sampled frames, out of their tar, one at a time."""

import tarfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from services.core.errors import Incomplete
from services.core.media import SampledFrame

MAX_JPEG_BYTES = 32 << 20


def jpegs(stream: BinaryIO, frames: Sequence[SampledFrame]) -> Iterator[tuple[int, bytes]]:
    """(row, JPEG) for every frame, in the tar's order, where `row` is the frame's place in `frames`.

    Reads the stream once, forwards, holding one JPEG. Raises Incomplete when the tar does not hold exactly the frames'
    pictures.
    """
    rows = {f"{frame.pts}.jpg": row for row, frame in enumerate(frames)}
    if len(rows) != len(frames):
        raise Incomplete("two sampled frames have one PTS: decode the segment again")
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                row = rows.pop(member.name, None)
                file = tar.extractfile(member) if row is not None and member.size <= MAX_JPEG_BYTES else None
                if row is None or file is None:
                    raise Incomplete(f"the tar of JPEGs holds {member.name!r}, which is no sampled frame's picture")
                yield row, file.read()
    except (tarfile.TarError, EOFError) as error:
        raise Incomplete(f"the tar of JPEGs is broken: {error}: decode the segment again") from error
    if rows:
        raise Incomplete(f"{len(rows)} of {len(frames)} JPEGs are missing, {next(iter(rows))} among them")


def places(stream: BinaryIO, frames: Sequence[SampledFrame]) -> dict[int, tuple[int, int]]:
    """Where each frame's JPEG lies in the tar, by the frame's place in `frames`: offset of its first byte, and size.

    Reads the stream once, forwards. Raises Incomplete when a frame's picture is missing.
    """
    rows = {f"{frame.pts}.jpg": row for row, frame in enumerate(frames)}
    found: dict[int, tuple[int, int]] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                if member.name in rows and member.size <= MAX_JPEG_BYTES:
                    found[rows[member.name]] = member.offset_data, member.size
    except (tarfile.TarError, EOFError) as error:
        raise Incomplete(f"the tar of JPEGs is broken: {error}: decode the segment again") from error
    if len(found) < len(frames):
        raise Incomplete(f"{len(frames) - len(found)} of {len(frames)} JPEGs are missing: decode the segment again")
    return found
