"""Lines seen in single frames become readings: text that stays on screen for a range."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.captioning.domain.lines import in_order, same
from services.core.media import SampledFrame
from services.core.text import OnScreenText, Reading, TextLine
from services.core.times import SECOND, TimeRange

GAP = 2 * SECOND
"""A line that was not read for up to this long, and is read again, has stayed."""


@dataclass
class Stay:
    """A line of text while it stays on screen."""

    start: int
    end: int
    seen: list[TextLine] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.seen[-1].text

    def line(self) -> TextLine:
        """The spelling with most confidence in all, the first of equals, where the line was first seen."""
        votes: dict[str, float] = defaultdict(float)
        for line in self.seen:
            votes[line.text] += line.confidence
        text = max(votes, key=lambda spelling: votes[spelling])
        confidences = [line.confidence for line in self.seen if line.text == text]
        return TextLine(text, self.seen[0].box, sum(confidences) / len(confidences))


def track(frames: Sequence[SampledFrame], found: Sequence[Sequence[TextLine]]) -> OnScreenText:
    """Readings of frames in order of time, given the lines found in each.

    A frame's lines stay for the range that the frame stands for.
    """
    over: list[Stay] = []
    stays: list[Stay] = []
    for frame, lines in zip(frames, found, strict=True):
        over += [stay for stay in stays if frame.range.start - stay.end > GAP]
        stays = [stay for stay in stays if frame.range.start - stay.end <= GAP]
        pairs, ended = _continued(lines, stays)
        over += ended
        stays = [stay for stay in stays if all(stay is not one for one in ended)]
        for line, stay in pairs:
            if stay is None:
                stay = Stay(frame.range.start, frame.range.end)
                stays.append(stay)
            stay.end = frame.range.end
            stay.seen.append(line)
    return _readings(over + stays)


def join(segments: Iterable[OnScreenText]) -> OnScreenText:
    """The video's readings: a line that ends where another of the same text begins in a later segment goes on."""
    over: list[Stay] = []
    stays: list[Stay] = []
    for segment in segments:
        lines = [(reading.range, line) for reading in segment.readings for line in reading.lines]
        fresh: list[Stay] = []
        for range_, line in lines:
            touching = [stay for stay in stays if stay.end == range_.start]
            stay = _nearest(touching, line)
            if stay is None:
                fresh.append(Stay(range_.start, range_.end, [line]))
                continue
            stays = [one for one in stays if one is not stay]
            stay.end = range_.end
            stay.seen.append(line)
            fresh.append(stay)
        over += stays
        stays = fresh
    return _readings(over + stays)


def _continued(
    lines: Sequence[TextLine], stays: Sequence[Stay]
) -> tuple[list[tuple[TextLine, Stay | None]], list[Stay]]:
    """Each line with the stay that it goes on with, if any; and the stays that end although their text is seen.

    A line may move, as a sign does that the camera passes. But when half of the lines are new, one that is elsewhere
    is new as well: the word happens to stand on the next slide too.
    """
    free: list[Stay] = list(stays)
    found: list[tuple[TextLine, Stay | None]] = []
    for line in lines:
        stay = _nearest(free, line)
        if stay is not None:
            free = [one for one in free if one is not stay]
        found.append((line, stay))
    going_on = sum(stay is not None for _, stay in found)
    if len(lines) < 2 or 2 * going_on > len(lines):
        return found, []
    ended = [stay for line, stay in found if stay is not None and not _in_place(stay.seen[-1], line)]
    gone = {id(stay) for stay in ended}
    return [(line, None if id(stay) in gone else stay) for line, stay in found], ended


def _in_place(before: TextLine, now: TextLine) -> bool:
    """True when a line has moved by less than half of its height."""
    a, b = before.box, now.box
    most = max(a.bottom - a.top, b.bottom - b.top) / 2
    return abs(a.left - b.left) < most and abs(a.top - b.top) < most


def _nearest(stays: Iterable[Stay], line: TextLine) -> Stay | None:
    """Of the stays of the same text the one that lies nearest."""

    def away(stay: Stay) -> float:
        a, b = stay.seen[-1].box, line.box
        return abs(a.left - b.left) + abs(a.top - b.top)

    return min((stay for stay in stays if same(stay.text, line.text)), key=away, default=None)


def _readings(stays: Iterable[Stay]) -> OnScreenText:
    """Lines that come and go together are one reading."""
    together: dict[TimeRange, list[TextLine]] = defaultdict(list)
    for stay in stays:
        together[TimeRange(stay.start, stay.end)].append(stay.line())
    return OnScreenText(tuple(_reading(range_, in_order(together[range_])) for range_ in sorted(together)))


def _reading(range_: TimeRange, lines: tuple[TextLine, ...]) -> Reading:
    letters = [max(1, len(line.text)) for line in lines]
    weighed = sum(n * line.confidence for n, line in zip(letters, lines, strict=True))
    return Reading(range_, "\n".join(line.text for line in lines), weighed / sum(letters), lines)
