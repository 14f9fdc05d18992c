"""Frames of a segment as its detectors see them, most of those left out in which nothing happens, with PyAV.

What is left out is told by the packets' sizes (`domain.groups`) and proven by the pictures around the gap
(`domain.gaps`); where the proof fails, another decoder goes over the group again.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from itertools import chain, pairwise

from services.decoding.domain.gaps import Pace, between, gives_way, same_picture, same_shot, stands
from services.decoding.domain.groups import Use
from services.decoding.domain.signature import Bytes
from services.decoding.ports import Limits
from services.decoding.pyav_frames import Shown, Timeline, decoded
from services.decoding.pyav_groups import Group, groups
from services.decoding.pyav_lanes import Lanes, Planned
from services.decoding.pyav_open import AnyPacket, Source
from services.decoding.pyav_pictures import Painter
from services.decoding.pyav_plan import Planner


class Seen:
    """A decoded frame; of the frames left out before it, when they begin and what they look like."""

    def __init__(self, shown: Shown, painter: Painter) -> None:
        self.shown = shown
        self._painter = painter
        self.before: list[tuple[int, Bytes]] = []
        self.same = False
        """True when one picture stood from the frame seen before to this one, most of it left out."""
        self.blind = False
        """True when the picture moved meanwhile, and what it looked like is not known."""

    @property
    def time(self) -> int:
        return self.shown.time

    @cached_property
    def signature(self) -> Bytes:
        return self._painter.signature(self.shown.frame)

    @cached_property
    def fine(self) -> Bytes:
        return self._painter.fine(self.shown.frame)


@dataclass(frozen=True)
class _Gap:
    """What was left out by PTS and time, the boldest reason, its largest packet, and the size of what ends it."""

    missing: dict[int, int]
    use: Use
    most: int
    size: int


class Sparse:
    """One pass over the packets of a source.

    `opened` opens the source once more; see `Planner` for `wanted` and `slack`.
    """

    def __init__(
        self,
        source: Source,
        opened: Callable[[], Source],
        limits: Limits,
        painter: Painter,
        wanted: Callable[[int, int], bool],
        slack: int,
    ) -> None:
        self._source = source
        self._opened = opened
        self._limits = limits
        self._painter = painter
        self._planner = Planner(source, wanted, slack)
        self._timeline = Timeline(source, limits)
        self._expected: list[tuple[int, int, Use]] = []
        """Heap of what was not shown yet: PTS, bytes, and what became of it."""
        self._groups: deque[Group] = deque()
        """From that of the last frame on."""
        self._last: Seen | None = None
        self._pace = Pace()

    def frames(self, packets: Iterator[AnyPacket]) -> Generator[Seen]:
        """The frames in order of time; what cannot be decoded is left out."""
        with closing(Lanes(self._opened)) as lanes:
            for frame in lanes.frames(self._planned(packets)):
                yield from self._arrived(self._timeline.place(frame))

    def _planned(self, packets: Iterator[AnyPacket]) -> Iterator[Planned]:
        for group, after in pairwise(chain(groups(packets), [None])):
            if group is None:
                continue
            plan = self._planner.plan(group, after)
            self._groups.append(group)
            for packet, use in zip(group.packets, plan, strict=True):
                self._timeline.begin(packet)
                if packet.pts is not None and not packet.is_discard:
                    heappush(self._expected, (packet.pts, packet.size, use))
            yield Planned(group, plan, after)

    def _arrived(self, shown: Shown | None) -> Iterator[Seen]:
        """The frame, after those between that should not have been left out."""
        if shown is None:
            return
        seen, last = Seen(shown, self._painter), self._last
        gap = self._gap(last.shown if last is not None else None, shown)
        if last is not None and gap.missing:
            looks = self._looks(last, seen, gap)
            if looks is None:
                yield from self._decode_again(last.shown, set(gap.missing))
            else:
                seen.before = list(zip(gap.missing.values(), looks, strict=True))
                seen.same = gap.use is Use.SKIP and stands(last.signature, seen.signature)
                seen.blind = gap.use is Use.BLIND
                self._planner.saved(len(looks))
        yield self._next(seen)

    def _next(self, seen: Seen) -> Seen:
        self._pace.push(seen.time, seen.signature, len(seen.before))
        self._planner.look(seen.shown.pts, seen.signature)
        self._last = seen
        while len(self._groups) > 1 and self._groups[1].start <= seen.shown.pts:
            self._groups.popleft()
        return seen

    def _gap(self, last: Shown | None, shown: Shown) -> _Gap:
        """What was left out between two frames."""
        missing, most, boldest, size = dict[int, int](), 0, Use.WHOLE, 0
        while self._expected and self._expected[0][0] <= shown.pts:
            pts, size, use = heappop(self._expected)
            time = self._source.time(pts)
            if use is not Use.WHOLE and last is not None and last.time < time < shown.time:
                missing[pts] = time
                most = max(most, size)
                boldest = max(boldest, use)
        return _Gap(missing, boldest, most, size)

    def _looks(self, last: Seen, seen: Seen, gap: _Gap) -> list[Bytes] | None:
        """Signatures of what was left out between two frames; None when they do not tell."""
        a, b, count = last.signature, seen.signature, len(gap.missing)
        if gap.use is Use.BLIND:
            return [a] * count if same_shot(a, b) else None
        if gap.use is Use.REFERENCE:
            return None if self._pace.unclear(b) else between(a, b, count)
        if same_picture(a, last.fine, b, seen.fine) or gives_way(a, b, gap.size, gap.most):
            return [a] * count
        return None

    @cached_property
    def _again(self) -> Source:
        return self._opened()

    def _decode_again(self, last: Shown, gap: set[int]) -> Iterator[Seen]:
        """The frames of a gap, from the keyframe before it on."""
        source, timeline = self._again, Timeline(self._source, self._limits)
        context = source.video.codec_context
        start = max((g.start for g in self._groups if g.whole and g.start <= last.pts), default=None)
        packets = [p for g in self._groups if g.whole and start is not None and g.start >= start for p in g.packets]
        needed = max((i for i, packet in enumerate(packets) if packet.pts in gap), default=-1) + 1
        for packet in (*packets[:needed], None):
            whole = packet is None or packet.is_keyframe or packet.pts in gap
            context.skip_frame = "DEFAULT" if whole else "NONREF"
            for frame in decoded(source, packet):
                shown = timeline.place(frame) if frame.pts in gap else None
                if shown is not None:
                    yield self._next(Seen(shown, self._painter))
        context.flush_buffers()
        self._planner.spent(needed)
