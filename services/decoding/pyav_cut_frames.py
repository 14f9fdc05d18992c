"""Frames of ranges that follow one another in a file, with PyAV."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.core.errors import BadMedia
from services.core.times import TimeRange
from services.decoding.ports import Limits
from services.decoding.pyav_frames import Shown, decode, frames_from, packets_before
from services.decoding.pyav_open import Source, open_source
from services.decoding.pyav_probe import frame_length, inspect


@contextmanager
def open_reel(path: Path, limits: Limits) -> Iterator["Reel"]:
    """The file, open. Raises BadMedia and its kin."""
    with open_source(path, limits) as source, open_source(path, limits) as scout:
        yield Reel(source, scout, limits)


class Reel:
    """From one range to the next it reads on, or goes to a keyframe that lies in front.

    So no frame is decoded twice, and two are held at most. `scout` is the same file, open a second time: to look for
    keyframes without leaving the place.
    """

    def __init__(self, source: Source, scout: Source, limits: Limits) -> None:
        self._source = source
        self._scout = scout
        self._limits = limits
        self._frames: Iterator[Shown] | None = None
        self._shown: Shown | None = None
        self._next: Shown | None = None

    def frames(self, range_: TimeRange) -> Iterator[Shown]:
        """The frame shown at the range's start (the file's first when none has begun), then all that begin in it.

        `range_` begins where the one before it ends, or later. Raises BadMedia when no frame can be decoded.
        """
        self._go(range_.start)
        while self._shown is None or (self._next is not None and self._next.time <= range_.start):
            self._step()
        yield self._shown
        while self._next is not None and self._next.time < range_.end:
            self._step()
            yield self._shown

    def _go(self, time: int) -> None:
        """Begin at the file's start, or at the last keyframe before a time unless that was decoded already."""
        if self._frames is not None and (self._next is None or self._next.time > time):
            return
        key, packets = self._key(time), None
        if key is not None and (self._next is None or key > self._next.time):
            packets = packets_before(self._source, self._source.video, time)
        elif self._frames is None:
            packets = self._source.container.demux(self._source.video)
        if packets is not None:
            self._frames, self._shown = decode(self._source, self._limits, packets), None
            self._next = next(self._frames, None)
            if self._next is None:
                raise BadMedia("no frame of the video stream can be decoded there: the file is damaged or cut off")

    def _key(self, time: int) -> int | None:
        """When the last keyframe at or before a time begins; None when no index leads to one."""
        packet = next(packets_before(self._scout, self._scout.video, time) or iter(()), None)
        at = None if packet is None else packet.pts if packet.pts is not None else packet.dts
        return None if at is None else self._scout.time(at)

    def _step(self) -> None:
        self._shown, self._next = self._next, next(self._frames or iter(()), None)


def end_of(path: Path, limits: Limits, time: int) -> int:
    """A time up to which the video is known to go: its end when that lies before `time` (ns)."""
    for source, _, frames in frames_from(path, limits, time - 1):
        last: Shown | None = None
        for last in frames:
            if last.time >= time:
                return last.time
        if last is not None:
            end = last.time + max(0, frame_length(source, last.frame.duration or 0))
            if end >= time:
                return end
    # What cannot be decoded counts as well: then only the packets tell.
    return inspect(path, limits, None).probe.duration
