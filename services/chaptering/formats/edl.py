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
MOST_TIMES = 24
"""A film that is so many times slower or faster than timecode shares no frames worth counting."""
DROPPED = ("29.97", "59.94")
"""Rates that count in drop-frame timecode, which keeps to the clock; 23.976 has none."""
DAY = 24 * 3600


def write(chapters: Sequence[Chapter], film: Film) -> str:
    """Source and record times are the same: the film as it is, cut at its chapters. Times go to the nearest frame.

    A film whose rate has no timecode is counted at one that has, which a comment says: times stay those of the clock.
    Raises InvalidInput for a film of a day or more, or more events than the form counts.
    """
    rate, name = timecode_rate(film.rate)
    if chapters[-1].range.end >= DAY * SECOND or len(chapters) > 999:
        rule = "a film of less than 24 hours with at most 999 chapters"
        raise InvalidInput(f"an EDL holds {rule}", fields={"format": rule})
    drop = name in DROPPED
    counted: list[str] = []
    lines = [f"TITLE: {one_line(film.title)[:70] or 'Chapters'}", f"FCM: {'' if drop else 'NON-'}DROP FRAME", ""]
    if not _near(film.rate, rate):
        # As a comment of the first event: readers know none before it.
        counted = [f"* COUNTED AT {name} FRAMES A SECOND; THE FILM HAS {float(film.rate):.3f}"]
    for i, (chapter, title) in enumerate(zip(chapters, titles(chapters), strict=True), 1):
        first = frame(chapter.range.start, rate)
        last = max(first + 1, frame(chapter.range.end, rate))
        span = f"{stamp(first, name)} {stamp(last, name)}"
        lines += [f"{i:03d}  AX       V     C        {span} {span}", f"* FROM CLIP NAME: {title}", *counted, ""]
        counted = []
    return "\n".join(lines)


def timecode_rate(rate: Fraction) -> tuple[Fraction, str]:
    """The rate that a film's average stands for, and its name.

    Of a rate without timecode, such as 15 or 120, the nearest that is a whole number of times as high or low, so that
    its frames begin with frames; of any other, such as a variable one, 25.
    """
    for exact, name in RATES.items():
        if _near(rate, exact):
            return exact, name
    multiples = [
        (times, exact)
        for exact in RATES
        for ratio in (exact / rate, rate / exact)
        for times in [round(ratio)]
        if 2 <= times <= MOST_TIMES and _near(ratio, Fraction(times))
    ]
    _, exact = min(multiples, default=(0, Fraction(25)))
    return exact, RATES[exact]


def _near(rate: Fraction, exact: Fraction) -> bool:
    return abs(rate - exact) <= exact * NEAR


def frame(ns: int, rate: Fraction) -> int:
    """The number, from 0, of the frame that begins nearest to a time."""
    return round(ns * rate / SECOND)


def stamp(number: int, name: str) -> str:
    """Timecode of a frame counted from 0 (the library counts from 1); drop-frame has a semicolon before the frames."""
    code = Timecode(name, frames=number + 1, force_non_drop_frame=name not in DROPPED)
    return str(code)
