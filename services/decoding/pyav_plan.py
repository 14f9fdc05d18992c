"""Decides what of each group of packets is decoded, and learns from what is seen, with PyAV."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from services.core.times import SECOND
from services.decoding.domain.gaps import same_shot
from services.decoding.domain.groups import Packed, Use, even_after, quiet_size, uses
from services.decoding.domain.signature import Bytes
from services.decoding.pyav_groups import Group, stands_alone
from services.decoding.pyav_open import Source

CODECS = ("h264", "hevc", "vp8", "vp9", "av1")
LONGEST_BLIND = SECOND
TRUSTED, MOST_TRUST = 2, 4
"""Pictures that move are left out after so many groups, less TRUSTED for each other one, that would have allowed it."""
MOST_DEBT, MOST_CREDIT = 150, 300
"""Packets read twice, less frames left out before, after which nothing is left out for a while."""
WARY = 600
"""Packets of that while."""
_EARLY = 0.95


@dataclass
class _Trial:
    """A group whose frames after `begin` (PTS) are left out up to `end`, or might have been; what was seen at first."""

    begin: int
    end: int
    look: Bytes | None = None


class Planner:
    """`wanted` tells whether the frame shown from one time (ns) to another is sampled.

    Where pictures that move are left out, a keyframe at most `slack` (ns) later is sampled instead.
    """

    def __init__(self, source: Source, wanted: Callable[[int, int], bool], slack: int) -> None:
        self._source = source
        self._wanted = wanted
        self._slack = slack
        self._apt = source.video.codec_context.codec.canonical_name in CODECS
        self._orphans: Use | None = None
        """What became of the end of the group before, when it was left out."""
        self._trials: deque[_Trial] = deque()
        self._trust = 0
        self._longest = 0.0
        self._debt = self._wary = 0

    def plan(self, group: Group, after: Group | None) -> list[Use]:
        """A use for each packet of a group, which `after` comes after."""
        orphans, self._orphans = self._orphans, None
        plan = [Use.WHOLE] * len(group.packets)
        if self._wary or not self._apt or not group.whole:
            self._wary = max(0, self._wary - len(group.packets))
        else:
            context = self._source.video.codec_context
            quiet, wanted = quiet_size(context.width * context.height), self._sampled(group, after)
            following = None
            if after is not None and after.whole and stands_alone(after.packets[0], self._source.video):
                following = after.leading
            plan = uses(group.packed, following, quiet, wanted, self._blind(group, after, following, quiet, wanted))
            if max(plan) >= Use.SKIP:
                self._orphans = max(plan)
        if orphans is None:
            return plan
        # Pictures shown before the keyframe are made from those that were left out.
        return [
            orphans if i and packet.pts is not None and group.packets[0].pts is not None and packet.pts < group.start
            else use
            for i, (packet, use) in enumerate(zip(group.packets, plan, strict=True))
        ]  # fmt: skip

    def look(self, pts: int, signature: Bytes) -> None:
        """Take notice of a decoded frame, in order of PTS."""
        while self._trials and pts >= self._trials[0].end:
            trial = self._trials.popleft()
            kept = trial.look is not None and same_shot(trial.look, signature)
            self._trust = min(MOST_TRUST, self._trust + 1) if kept else max(0, self._trust - TRUSTED)
        if self._trials and self._trials[0].look is None and pts >= self._trials[0].begin:
            self._trials[0].look = signature

    def saved(self, frames: int) -> None:
        """So many were rightly left out."""
        self._debt = max(-MOST_CREDIT, self._debt - frames)

    def spent(self, packets: int) -> None:
        """So many were read a second time."""
        self._debt += packets
        if self._debt > MOST_DEBT:
            self._debt, self._wary, self._trust = 0, WARY, 0

    def _sampled(self, group: Group, after: Group | None) -> set[int]:
        """PTS of the frames that are wanted."""
        shown = sorted(packed.pts for packed in group.packed)
        ends = [after.start] if after is not None and after.whole else []
        times = [self._source.time(pts) for pts in (*shown, *ends)]
        return {pts for pts, a, b in zip(shown, times, times[1:], strict=False) if self._wanted(a, b)}

    def _blind(
        self, group: Group, after: Group | None, following: list[Packed] | None, quiet: int, wanted: set[int]
    ) -> int | None:
        """PTS after which the group's frames may be left out though they move; None when they must not."""
        early = len(group.packets) < _EARLY * self._longest
        self._longest = max(len(group.packets), _EARLY * self._longest)
        # A keyframe that comes early was put where something begins.
        if early or after is None or following is None:
            return None
        end = self._source.time(after.start)
        times = {packed.pts: self._source.time(packed.pts) for packed in group.packed}
        far = [pts for pts, time in times.items() if time <= end - LONGEST_BLIND]
        begin = max([group.start, *far, *(pts for pts in wanted if times[pts] < end - self._slack)])
        if not even_after(group.packed, following, quiet, begin):
            return None
        trusted = self._trust >= TRUSTED
        self._trials.append(_Trial(begin, after.start))
        return begin if trusted else None
