"""What of a group of pictures is worth decoding, told by the sizes of its packets before any is decoded.

An encoder spends bytes where the picture changes and next to none where it stands. So packets of a few bytes promise
that nothing happens, and one much larger than its like that something does. A promise is not proof: who leaves pictures
out compares those around the gap (see `gaps`), and decodes them after all when it was broken.
"""

import statistics
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum

PIXELS_A_BYTE = 2048
LEAST_QUIET = 64
"""Bytes that a picture takes in which nothing changes, whatever its size: headers."""
LEAST_TAIL = 8
"""Packets that are worth leaving out."""
SILENT, SILENCE = 4, 8
"""A picture that moved has gone when so many packets all take less than one part in so many of the usual."""
STANDS_OUT = 2.5
AHEAD, BEHIND = 8, 4
"""Pictures decoded around one that stands out: those shown before it are packed after it."""
NEAR = 4


class Use(IntEnum):
    """What becomes of a packet."""

    WHOLE = 0
    """Decoded."""
    REFERENCE = 1
    """Decoded when other pictures need it."""
    SKIP = 2
    """Left out, as the picture stands."""
    BLIND = 3
    """Left out though the picture moves."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A packet: when its picture is shown, in ticks, and its bytes."""

    pts: int
    size: int


def quiet_size(pixels: int) -> int:
    """The most bytes of a packet, of a picture of so many pixels, in which nothing changes that a viewer would see."""
    return max(LEAST_QUIET, pixels // PIXELS_A_BYTE)


def uses(
    packets: Sequence[Packed],
    following: Sequence[Packed] | None,
    quiet: int,
    wanted: Collection[int],
    blind: int | None = None,
) -> list[Use]:
    """A use for each packet of a group, which come in order of decoding, the keyframe first.

    `following` are packets of the next group whose pictures are shown before its keyframe; None when what comes after
    this group cannot be decoded without it. `wanted` are PTS of frames that will be sampled; where nothing happens,
    they are as good as the frame before. Frames shown after `blind`, a PTS, may be left out where the picture moves
    evenly.
    """
    order = sorted(range(len(packets)), key=lambda i: packets[i].pts)
    # In order of showing; the keyframe is large and says nothing.
    sizes = [packets[i].size if i else 0 for i in order]
    bound = max(quiet, STANDS_OUT * _usual(sizes))
    whole = _spread([size > bound for size in sizes], AHEAD, BEHIND)
    moving = _spread([size > quiet for size in sizes], NEAR, NEAR)
    kept, left_out = _head(packets, following, quiet), Use.SKIP
    if blind is not None and all(kept) and even_after(packets, following, quiet, blind):
        kept, left_out = _up_to(packets, blind), Use.BLIND
    found = [left_out] * len(packets)
    for place, i in enumerate(order):
        if kept[i]:
            sampled = moving[place] and packets[i].pts in wanted
            found[i] = Use.WHOLE if i == 0 or whole[place] or sampled else Use.REFERENCE
    return found


def _head(packets: Sequence[Packed], following: Sequence[Packed] | None, quiet: int) -> list[bool]:
    """True for what comes up to the last packet that is not quiet, in order of decoding or of showing."""
    everything = [True] * len(packets)
    if following is None or any(p.size > quiet for p in following):
        return everything
    kept = _after(packets, max((i for i, p in enumerate(packets) if i and p.size > quiet), default=0))
    return kept if len(packets) - sum(kept) + len(following) >= LEAST_TAIL else everything


def even_after(packets: Sequence[Packed], following: Sequence[Packed] | None, quiet: int, pts: int) -> bool:
    """True when enough pictures come after a PTS, in a group as `uses` takes it, to be left out, and none stands out.

    A picture that is new takes more bytes than its like, and one that shows nothing fewer.
    """
    if following is None:
        return False
    kept = _up_to(packets, pts)
    sizes = [p.size for p, keep in zip(packets, kept, strict=True) if not keep] + [p.size for p in following]
    usual = _usual([p.size for p in packets[1:]])
    silent = any(max(sizes[i : i + SILENCE]) * SILENT < usual for i in range(len(sizes) - SILENCE + 1))
    return len(sizes) >= LEAST_TAIL and max(sizes) <= max(quiet, STANDS_OUT * usual) and not silent


def _up_to(packets: Sequence[Packed], pts: int) -> list[bool]:
    return _after(packets, max((i for i, p in enumerate(packets) if p.pts <= pts), default=0))


def _after(packets: Sequence[Packed], last: int) -> list[bool]:
    """True for what comes up to a packet, in order of decoding or of showing."""
    shown = max(p.pts for p in packets[: last + 1])
    return [i <= last or p.pts < shown for i, p in enumerate(packets)]


def _usual(sizes: Sequence[int]) -> float:
    """Bytes of a picture that others are made from, which are the larger ones."""
    if not sizes:
        return 0.0
    return statistics.median(sorted(sizes)[3 * len(sizes) // 4 :])


def _spread(marks: Sequence[bool], ahead: int, behind: int) -> list[bool]:
    """Marks, each with so many places before it and after it."""
    places = [i for i, mark in enumerate(marks) if mark]
    return [
        bool((k := bisect_left(places, i - behind)) < len(places) and places[k] <= i + ahead) for i in range(len(marks))
    ]
