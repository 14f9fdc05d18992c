"""Chooses the frames that stand for a segment: a steady grid, one a shot at least, near-duplicates dropped.

A frame is offered with its picture as soon as it may be needed, and kept or dropped once its shot is known. So no
frame is decoded twice, and what waits is a few dozen small JPEGs.
"""

from dataclasses import dataclass

from services.core.media import SampledFrame
from services.core.times import TimeRange
from services.decoding.domain.cuts import NEIGHBOURS, maybe_cut
from services.decoding.domain.detection import Cut
from services.decoding.domain.signature import Bytes, difference, perceived

MOST_SPARE = 8


@dataclass(frozen=True)
class Kept:
    """A sampled frame and its picture, a JPEG."""

    frame: SampledFrame
    picture: bytes


@dataclass(frozen=True)
class _Offer:
    pts: int
    time: int
    signature: Bytes
    picture: bytes
    steady: bool
    """On the grid; otherwise a spare, for a shot that the grid misses."""


class Sampler:
    """Takes the frames of one segment in order of time.

    `interval` (ns) is the grid's; `threshold` is the least `perceived` difference from the frame kept before it in the
    same shot that keeps a frame. Ranges of the kept frames cover the segment without gap or overlap, and none crosses
    a cut.
    """

    def __init__(self, whole: TimeRange, interval: int, threshold: float) -> None:
        self._whole = whole
        self._interval = interval
        self._threshold = threshold
        self._offers: list[_Offer] = []
        self._spare: list[_Offer] = []
        self._shot = whole.start
        self._last: _Offer | None = None
        """Frame kept last in the open shot."""
        self._open: tuple[int, _Offer] | None = None
        """Start of its range, and the frame."""
        self._kept: list[Kept] = []
        self._recent: list[float] = []
        self._before: Bytes | None = None
        self._begun = False
        self.missing: list[TimeRange] = []
        """Shots that no offered frame lies in."""

    def look(self, signature: Bytes) -> bool:
        """Take notice of the next frame, of the context before the segment too; True when a shot may begin at it."""
        step = difference(self._before, signature) if self._before is not None else 0.0
        maybe = self._before is not None and maybe_cut(self._recent, step)
        self._recent = [*self._recent[1 - NEIGHBOURS :], step]
        self._before = signature
        return maybe

    def steady(self, time: int, until: int) -> bool:
        """True when the frame shown from `time` to `until` is shown at an instant of the grid inside the segment."""
        start = time if self._begun else self._whole.start
        self._begun = True
        due = -(-max(start, self._whole.start) // self._interval) * self._interval
        return due < min(until, self._whole.end)

    def offer(self, pts: int, time: int, signature: Bytes, picture: bytes, steady: bool) -> None:
        """Give a frame that may be kept."""
        self._offers.append(_Offer(pts, time, signature, picture, steady))

    def settle(self, cuts: list[Cut], until: int) -> list[Kept]:
        """Decide on what lies before `until`, given every cut there; what was decided for good."""
        for cut in cuts:
            if self._whole.contains(cut.time) and cut.time > self._whole.start:
                self._decide(cut.time)
                self._close(cut.time)
        self._decide(until)
        done, self._kept = self._kept, []
        return done

    def finish(self) -> list[Kept]:
        """Decide on the rest; call after the last `settle`."""
        self._decide(self._whole.end + 1)
        self._close(self._whole.end)
        done, self._kept = self._kept, []
        return done

    def _decide(self, until: int) -> None:
        ready = [offer for offer in self._offers if offer.time < until]
        del self._offers[: len(ready)]
        for offer in ready:
            if not offer.steady:
                if self._last is None:
                    self._spare = [*self._spare[1 - MOST_SPARE :], offer]
            elif self._last is None or perceived(self._last.signature, offer.signature) >= self._threshold:
                self._keep(offer)

    def _keep(self, offer: _Offer) -> None:
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


def fit(width: int, height: int, side: int) -> tuple[int, int]:
    """Size of a picture whose shorter side is at most `side` and longer at most four times that; never larger."""
    scale = min(1.0, side / min(width, height), 4 * side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
