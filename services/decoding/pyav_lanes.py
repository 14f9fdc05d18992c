"""Decodes groups of pictures side by side where each stands alone, and gives their frames in order, with PyAV."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Semaphore

from av.video.frame import VideoFrame

from services.decoding.domain.groups import Use
from services.decoding.pyav_frames import decoded
from services.decoding.pyav_groups import Group, describes, stands_alone
from services.decoding.pyav_open import AnyPacket, Source

LANES, AHEAD = 2, 3
"""Decoders, and groups that are under way at a time: one is decoded and one waits in each. What is left out of a group
depends on how many of those before it were seen, so both are the same on every machine."""
MOST_BYTES = 64 << 20
"""Of decoded frames that wait in a lane to be taken."""
LEAST_WAITING = 4


class _Lane:
    """A decoder in a thread of its own, with room for so many frames that wait."""

    def __init__(self, source: Source, threads: int) -> None:
        context = source.video.codec_context
        context.thread_count = threads
        self.source = source
        self.thread = ThreadPoolExecutor(1, "lane")
        self.room = Semaphore(max(LEAST_WAITING, MOST_BYTES // max(1, 3 * context.width * context.height // 2)))


@dataclass(frozen=True)
class Planned:
    """A group, the use of each of its packets, and the group that comes after it."""

    group: Group
    plan: Sequence[Use]
    after: Group | None


@dataclass(frozen=True)
class _Begun:
    """A group under way; None among its frames says that all have come."""

    lane: _Lane
    frames: "SimpleQueue[VideoFrame | None]"
    done: Future[None]


class Lanes:
    """Decoders of one source that take turns at runs of groups; `opened` opens the source once more.

    A run ends before a group that can be decoded without what comes before it, and is shown after all of it.
    """

    def __init__(self, opened: Callable[[], Source]) -> None:
        self._opened = opened
        self._lanes: list[_Lane] = []
        self._turn = 0
        self._begun: deque[_Begun] = deque()
        self._described: bool | None = None
        """True when keyframes bring the description of the stream along; known from the first one on."""
        self._changed = False
        """True when a packet brought a new description, which only the lane that it went to knows."""
        self._over = False

    def frames(self, groups: Iterable[Planned]) -> Iterator[VideoFrame]:
        """The frames of all groups, in order of groups; each is asked for when the one AHEAD before it is through."""
        for planned in groups:
            ends = self._ends(planned)
            if not self._lanes:
                # Without groups side by side, FFmpeg's own threads are all that there is.
                threads = max(1, len(os.sched_getaffinity(0)) // LANES) if ends else 0
                self._lanes = [_Lane(self._opened(), threads) for _ in range(LANES if ends else 1)]
            self._begin([*zip(planned.group.packets, planned.plan, strict=True)], ends)
            while len(self._begun) >= AHEAD:
                yield from self._take()
        if self._lanes:
            self._begin([], True)
        while self._begun:
            yield from self._take()

    def close(self) -> None:
        """End what is under way; the sources may be closed afterwards."""
        self._over = True
        for lane in self._lanes:
            lane.room.release()
            lane.thread.shutdown(cancel_futures=True)

    def _ends(self, planned: Planned) -> bool:
        """True when a run ends with a group, and another lane takes the next one."""
        first, after = planned.group.packets[0], planned.after
        stream = first.stream
        if self._described is None:
            self._described = describes(first, stream)
        self._changed = self._changed or any(packet.has_sidedata("new_extradata") for packet in planned.group.packets)
        if len(self._lanes) == 1 or self._changed or after is None or not after.whole or after.leading:
            return False
        keyframe = after.packets[0]
        return stands_alone(keyframe, stream) and describes(keyframe, stream) == self._described

    def _begin(self, work: list[tuple[AnyPacket, Use]], ends: bool) -> None:
        lane, frames = self._lanes[self._turn], SimpleQueue[VideoFrame | None]()
        self._begun.append(_Begun(lane, frames, lane.thread.submit(self._decode, lane, work, ends, frames)))
        if ends:
            self._turn = (self._turn + 1) % len(self._lanes)

    def _take(self) -> Iterator[VideoFrame]:
        """The frames of the group that was begun first."""
        begun = self._begun.popleft()
        while (frame := begun.frames.get()) is not None:
            yield frame
            begun.lane.room.release()
        begun.done.result()

    def _decode(
        self, lane: _Lane, work: list[tuple[AnyPacket, Use]], ends: bool, frames: "SimpleQueue[VideoFrame | None]"
    ) -> None:
        """Run in the lane's thread."""
        context = lane.source.video.codec_context
        try:
            for packet, use in (*work, *([(None, Use.WHOLE)] if ends else [])):
                if use >= Use.SKIP:
                    continue
                context.skip_frame = "NONREF" if use is Use.REFERENCE else "DEFAULT"
                for frame in decoded(lane.source, packet):
                    lane.room.acquire()
                    if self._over:
                        lane.room.release()
                        return
                    frames.put(frame)
            if ends:
                context.flush_buffers()
        finally:
            frames.put(None)
