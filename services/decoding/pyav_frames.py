"""Frames of a source in order of time, from a given time on, with PyAV."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av.error
from av.stream import Stream
from av.video.frame import VideoFrame

from services.core.times import SECOND
from services.decoding.ports import Limits
from services.decoding.pyav_open import AnyPacket, Source, check_pixels, open_source

_STEPS_BACK = (0, SECOND, 10 * SECOND, 60 * SECOND)
_MOST_BEFORE_KEY = 4096


@dataclass(frozen=True)
class Shown:
    """A decoded frame and when it begins, in nanoseconds on the timeline."""

    frame: VideoFrame
    time: int
    pts: int


def frames_from(path: Path, limits: Limits, time: int) -> Iterator[tuple[Source, bool, Iterator[Shown]]]:
    """One item: the source, whether the frames begin at the video's first, and the frames.

    They begin at a keyframe at or before `time` (ns); at the first frame when there is none or no index leads to it.
    A generator so that the file closes with it: `for source, at_start, frames in frames_from(...)`.
    """
    if time > 0:
        with open_source(path, limits) as source:
            packets = packets_before(source, source.video, time)
            if packets is not None:
                yield source, False, decode(source, limits, packets)
                return
    with open_source(path, limits) as source:
        yield source, True, decode(source, limits, source.container.demux(source.video))


def packets_before(source: Source, stream: Stream, time: int) -> Iterator[AnyPacket] | None:
    """Packets of a stream from a keyframe at or before `time` on, or None when no seek finds one."""
    base = stream.time_base
    if base is None:
        return None
    for back in _STEPS_BACK:
        target = time - back
        if target <= 0:
            return None
        try:
            source.container.seek(int((target + source.zero) / (base * SECOND)), stream=stream, backward=True)
            packets = source.container.demux(stream)
            for packet in itertools.islice(packets, _MOST_BEFORE_KEY):
                at = packet.pts if packet.pts is not None else packet.dts
                if packet.is_keyframe and at is not None:
                    if source.time(at, stream) <= time:
                        return itertools.chain([packet], packets)
                    break
        except av.error.FFmpegError:
            continue
    return None


def decode(source: Source, limits: Limits, packets: Iterator[AnyPacket]) -> Iterator[Shown]:
    """Frames of the video whose time rises; what cannot be decoded is left out."""
    last, first_key = -1, None
    for packet in _readable(packets):
        if first_key is None:
            first_key = packet.pts if packet.pts is not None else packet.dts
        try:
            frames = source.video.decode(packet if packet.size else None)
        except (MemoryError, av.error.MemoryError):
            raise
        except av.error.FFmpegError:
            continue
        for frame in frames:
            check_pixels(frame.width, frame.height, limits)
            # Pictures that lead an open group refer to frames before it, which were not read.
            if frame.pts is None or (first_key is not None and frame.pts < first_key):
                continue
            time = max(0, source.time(frame.pts))
            if time > last:
                last = time
                yield Shown(frame, time, frame.pts)


def _readable(packets: Iterator[AnyPacket]) -> Iterator[AnyPacket]:
    """Packets up to the first that cannot be read: what a cut-off file still holds."""
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        yield packet
