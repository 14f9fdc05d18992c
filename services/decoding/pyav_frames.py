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


def packets_from(path: Path, limits: Limits, time: int) -> Iterator[tuple[Source, bool, Iterator[AnyPacket]]]:
    """One item: the source, whether the packets begin at the video's first, and the packets.

    They begin at a keyframe at or before `time` (ns); at the first packet when there is none or no index leads to it.
    A generator so that the file closes with it: `for source, at_start, packets in packets_from(...)`.
    """
    if time > 0:
        with open_source(path, limits) as source:
            packets = packets_before(source, source.video, time)
            if packets is not None:
                yield source, False, readable(packets)
                return
    with open_source(path, limits) as source:
        yield source, True, readable(source.container.demux(source.video))


def frames_from(path: Path, limits: Limits, time: int) -> Iterator[tuple[Source, bool, Iterator[Shown]]]:
    """The same with the frames of those packets."""
    for source, at_start, packets in packets_from(path, limits, time):
        yield source, at_start, decode(source, limits, packets)


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


class Timeline:
    """Puts the frames of a run of packets on the timeline: those whose time rises, from the first keyframe on."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._last = -1
        self._first: int | None = None

    def begin(self, packet: AnyPacket) -> None:
        """Tell the first packet."""
        if self._first is None:
            self._first = packet.pts if packet.pts is not None else packet.dts

    def place(self, frame: VideoFrame) -> Shown | None:
        """The frame on the timeline, or None when it has no place there; MediaLimit when it is too large."""
        check_pixels(frame.width, frame.height, self._limits)
        # Pictures that lead an open group refer to frames before it, which were not read.
        if frame.pts is None or (self._first is not None and frame.pts < self._first):
            return None
        time = max(0, self._source.time(frame.pts))
        if time <= self._last:
            return None
        self._last = time
        return Shown(frame, time, frame.pts)


def decode(source: Source, limits: Limits, packets: Iterator[AnyPacket]) -> Iterator[Shown]:
    """Frames of the video whose time rises; what cannot be decoded is left out."""
    timeline = Timeline(source, limits)
    for packet in readable(packets):
        timeline.begin(packet)
        for frame in decoded(source, packet):
            shown = timeline.place(frame)
            if shown is not None:
                yield shown


def decoded(source: Source, packet: AnyPacket | None) -> list[VideoFrame]:
    """Frames that the decoder gives once it has a packet, or no more to come; none when it cannot be decoded."""
    try:
        return source.video.decode(packet if packet is not None and packet.size else None)
    except (MemoryError, av.error.MemoryError):
        raise
    except av.error.FFmpegError:
        return []


def readable(packets: Iterator[AnyPacket]) -> Iterator[AnyPacket]:
    """Packets up to the first that cannot be read: what a cut-off file still holds."""
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        yield packet
