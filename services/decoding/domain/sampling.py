"""Chooses the frames that stand for a segment: a steady grid, the first of each still picture, one a shot at least,
near-duplicates dropped.

A frame is offered with its picture as soon as it may be needed, and kept or dropped once its shot is known. So no
frame is decoded twice, and what waits is a few dozen small pictures, which become JPEGs when they are kept.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from services.core.media import SampledFrame
from services.core.times import TimeRange
from services.decoding.domain.cuts import NEIGHBOURS, maybe_cut
from services.decoding.domain.detection import Cut
from services.decoding.domain.signature import Bytes, difference, perceived
from services.decoding.domain.turns import rewritten

MOST_SPARE = 8
P = TypeVar("P")
"""A picture, in whatever form it waits."""


@dataclass(frozen=True)
class Kept(Generic[P]):
    """A sampled frame and its picture."""

    frame: SampledFrame
    picture: P


class Place(Enum):
    """Why a frame is offered."""

    GRID = "grid"
    TURN = "turn"
    """The first of a new still picture (see `turns`)."""
    SPARE = "spare"
    """For a shot that the grid misses, or whose picture turns before the grid's first frame."""


@dataclass(frozen=True)
class _Offer(Generic[P]):
    pts: int
    time: int
    signature: Bytes
    fine: Bytes
    picture: P
    place: "Place"


class Sampler(Generic[P]):
    """Takes the frames of one segment in order of time.

    `interval` (ns) is the grid's; `threshold` is the least `perceived` difference from the frame kept before it in the
    same shot that keeps a frame; other writing keeps one too. Ranges of the kept frames cover the segment without gap
    or overlap, and none crosses a cut.
    """

    def __init__(self, whole: TimeRange, interval: int, threshold: float) -> None:
        self._whole = whole
        self._interval = interval
        self._threshold = threshold
        self._offers: list[_Offer[P]] = []
        self._spare: list[_Offer[P]] = []
        self._shot = whole.start
        self._last: _Offer[P] | None = None
        """Frame kept last in the open shot."""
        self._open: tuple[int, _Offer[P]] | None = None
        """Start of its range, and the frame."""
        self._kept: list[Kept[P]] = []
        self._recent: list[float] = []
        self._before: Bytes | None = None
        self._begun = False
        self.missing: list[TimeRange] = []
        """Shots that no offered frame lies in."""

    def look(self, signature: Bytes) -> bool:
        """Take notice of the next frame, of the context before the segment too; True when a shot may begin at it."""
        known = self._before is not None and self._before is not signature
        step = difference(self._before, signature) if self._before is not None and known else 0.0
        maybe = self._before is not None and maybe_cut(self._recent, step)
        self._recent = [*self._recent[1 - NEIGHBOURS :], step]
        self._before = signature
        return maybe

    def place(self, time: int, until: int, turned: bool, spare: bool) -> Place | None:
        """Why to offer the frame shown from `time` to `until` inside the segment, or None; asked once a frame.

        GRID when it is shown at an instant of the grid. The segment's first frame is at least a spare.
        """
        first, self._begun = not self._begun, True
        start = self._whole.start if first else time
        if on_grid(self._whole, self._interval, start, until):
            return Place.GRID
        return Place.TURN if turned else Place.SPARE if spare or first else None

    def offer(self, pts: int, time: int, signature: Bytes, fine: Bytes, picture: P, place: Place) -> None:
        """Give a frame that may be kept; `fine` as `turns.rewritten` takes it."""
        self._offers.append(_Offer(pts, time, signature, fine, picture, place))

    def settle(self, cuts: list[Cut], until: int) -> list[Kept[P]]:
        """Decide on what lies before `until`, given every cut there; what was decided for good."""
        for cut in cuts:
            if self._whole.contains(cut.time) and cut.time > self._whole.start:
                self._decide(cut.time)
                self._close(cut.time)
        self._decide(until)
        done, self._kept = self._kept, []
        return done

    def finish(self) -> list[Kept[P]]:
        """Decide on the rest; call after the last `settle`."""
        self._decide(self._whole.end + 1)
        self._close(self._whole.end)
        done, self._kept = self._kept, []
        return done

    def _decide(self, until: int) -> None:
        ready = [offer for offer in self._offers if offer.time < until]
        del self._offers[: len(ready)]
        for offer in ready:
            last = self._last or (self._spare[-1] if self._spare else None)
            if last is not None and offer.place is Place.TURN and self._differs(last, offer):
                if self._last is None:
                    self._keep(last)
                self._keep(offer)
            elif self._last is None and offer.place is not Place.GRID:
                self._spare = [*self._spare[1 - MOST_SPARE :], offer]
            elif offer.place is Place.GRID and (self._last is None or self._differs(self._last, offer)):
                self._keep(offer)

    def _differs(self, last: _Offer[P], offer: _Offer[P]) -> bool:
        return perceived(last.signature, offer.signature) >= self._threshold or rewritten(last.fine, offer.fine)

    def _keep(self, offer: _Offer[P]) -> None:
        self._emit(offer.time)
        self._open = (self._shot if self._last is None else offer.time, offer)
        self._last = offer
        self._spare = []

    def _close(self, end: int) -> None:
        if self._last is None:
            middle = (self._shot + end) // 2
            spare = min(self._spare, key=lambda o: abs(o.time - middle), default=None)
            if spare is not None:
                self._keep(spare)
            else:
                self._emit(self._shot)
                self.missing.append(TimeRange(self._shot, end))
        self._emit(end)
        self._shot, self._last, self._spare = end, None, []

    def _emit(self, end: int) -> None:
        if self._open is not None:
            start, offer = self._open
            self._kept.append(Kept(SampledFrame(offer.pts, offer.time, TimeRange(start, end)), offer.picture))
            self._open = None


def on_grid(whole: TimeRange, interval: int, time: int, until: int) -> bool:
    """True when the frame shown from `time` to `until` is shown at an instant of the grid inside `whole`."""
    due = -(-max(time, whole.start) // interval) * interval
    return due < min(until, whole.end)


def fit(width: int, height: int, side: int) -> tuple[int, int]:
    """Size of a picture whose shorter side is at most `side` and longer at most four times that; never larger."""
    scale = min(1.0, side / min(width, height), 4 * side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
