"""CMX 3600 edit decision lists, an event a chapter; timecodes by the timecode library (SMPTE ST 12)."""

from collections.abc import Sequence
from fractions import Fraction

from timecode.timecode import Timecode

from services.chaptering.domain.film import Film
from services.chaptering.domain.listing import one_line, titles
from services.core.chapters import Chapter
from services.core.errors import InvalidInput
from services.core.times import SECOND

RATES = {
    Fraction(24000, 1001): "23.976",
    Fraction(24): "24",
    Fraction(25): "25",
    Fraction(30000, 1001): "29.97",
    Fraction(30): "30",
    Fraction(48): "48",
    Fraction(50): "50",
    Fraction(60000, 1001): "59.94",
    Fraction(60): "60",
}
"""Frames a second that timecode is defined for, as the library calls them."""
NEAR = Fraction(1, 5000)
"""A file's average rate is seldom exact; within this share it is one of the above."""
DROPPED = ("29.97", "59.94")
"""Rates that count in drop-frame timecode, which keeps to the clock; 23.976 has none."""
DAY = 24 * 3600


def write(chapters: Sequence[Chapter], film: Film) -> str:
    """Source and record times are the same: the film as it is, cut at its chapters. Times go to the nearest frame.

    Raises InvalidInput for a rate without timecode, a film of a day or more, or more events than the form counts.
    """
    rate, name = timecode_rate(film.rate)
    if chapters[-1].range.end >= DAY * SECOND or len(chapters) > 999:
        rule = "a film of less than 24 hours with at most 999 chapters"
        raise InvalidInput(f"an EDL holds {rule}", fields={"format": rule})
    drop = name in DROPPED
    lines = [f"TITLE: {one_line(film.title)[:70] or 'Chapters'}", f"FCM: {'' if drop else 'NON-'}DROP FRAME", ""]
    for i, (chapter, title) in enumerate(zip(chapters, titles(chapters), strict=True), 1):
        first = frame(chapter.range.start, rate)
        last = max(first + 1, frame(chapter.range.end, rate))
        span = f"{stamp(first, name)} {stamp(last, name)}"
        lines += [f"{i:03d}  AX       V     C        {span} {span}", f"* FROM CLIP NAME: {title}", ""]
    return "\n".join(lines)


def timecode_rate(rate: Fraction) -> tuple[Fraction, str]:
    """The rate that a film's average stands for, and its name. Raises InvalidInput when there is none."""
    for exact, name in RATES.items():
        if abs(rate - exact) <= exact * NEAR:
            return exact, name
    rule = f"one of {', '.join(RATES.values())} frames a second"
    raise InvalidInput(
        f"{float(rate):.3f} frames a second have no timecode; an EDL needs {rule}", fields={"format": rule}
    )


def frame(ns: int, rate: Fraction) -> int:
    """The number, from 0, of the frame that begins nearest to a time."""
    return round(ns * rate / SECOND)


def stamp(number: int, name: str) -> str:
    """Timecode of a frame counted from 0 (the library counts from 1); drop-frame has a semicolon before the frames."""
    code = Timecode(name, frames=number + 1, force_non_drop_frame=name not in DROPPED)
    return str(code)
