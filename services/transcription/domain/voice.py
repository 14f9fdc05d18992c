"""Where somebody speaks, from the chance of speech in each window of sound."""

from dataclasses import dataclass

import numpy as np

from services.transcription.domain.sound import RATE, WINDOW, Chances, Span


@dataclass(frozen=True)
class VoiceRule:
    """Speech begins at `on` and lasts until the chance stays under `off` for a pause: hysteresis, as Silero has it."""

    on: float = 0.5
    off: float = 0.35
    pause: int = RATE * 3 // 10
    """Samples; shorter silences lie inside speech."""
    shortest: int = RATE // 4
    """Samples; shorter speech is none: clicks, knocks."""
    padding: int = RATE // 10
    """Samples kept before and after, where consonants are too soft to be found."""


def spans(chances: Chances, size: int, rule: VoiceRule) -> list[Span]:
    """Stretches of speech in `size` samples, in order, apart, padded up to half of the pause between two."""
    found = [span for span in _loud(chances, size, rule) if span.size >= rule.shortest]
    padded = []
    for i, span in enumerate(found):
        before = (found[i - 1].end + span.start) // 2 if i else 0
        after = (span.end + found[i + 1].start) // 2 if i + 1 < len(found) else size
        padded.append(Span(max(before, span.start - rule.padding), min(after, span.end + rule.padding)))
    return padded


def split(span: Span, chances: Chances, longest: int) -> list[Span]:
    """The span in parts of at most `longest` samples, cut where speech is least likely.

    A part is never cut in its outer quarters, so that none is a mere scrap.
    """
    if span.size <= longest:
        return [span]
    low = span.start + max(WINDOW, min(longest, span.size) // 4)
    high = min(span.start + longest, span.end - WINDOW)
    first, last = -(-low // WINDOW), high // WINDOW
    if first > last:
        at = span.start + longest
    else:
        # A window's middle is its quietest place as far as is known; the last of equals gives the fewest parts.
        among = chances[first : last + 1]
        at = (first + len(among) - 1 - int(np.argmin(among[::-1]))) * WINDOW if len(among) else span.start + longest
    at = min(max(at, span.start + 1), span.start + longest)
    return [Span(span.start, at), *split(Span(at, span.end), chances, longest)]


def _loud(chances: Chances, size: int, rule: VoiceRule) -> list[Span]:
    found: list[Span] = []
    start: int | None = None
    quiet: int | None = None
    for i, chance in enumerate(chances):
        at = i * WINDOW
        if start is None:
            if chance >= rule.on:
                start, quiet = at, None
        elif chance >= rule.off:
            quiet = None
        else:
            quiet = at if quiet is None else quiet
            if at + WINDOW - quiet >= rule.pause:
                found.append(Span(start, quiet))
                start = None
    if start is not None:
        found.append(Span(start, min(size, quiet if quiet is not None else size)))
    return found
