"""An extractive summary of several videos, of which none that has something to say is left out if there is room."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from services.chaptering.domain.extracts import PART, WORDS, Said, extract, sentences
from services.chaptering.domain.focus import Focus
from services.chaptering.domain.phrases import words
from services.chaptering.domain.several import Laid
from services.core.chapters import Length, SummarySentence


def share(laid: Laid, length: Length, focus: Focus | None = None) -> tuple[SummarySentence, ...]:
    """Sentences of all videos on the common timeline, in order; `focus` as for `extract`.

    They are chosen from all together. A video of which none is then gets one, of the room that is left or that videos
    with several give up. With a focus it must be as near to it as the others are.
    """
    said = sentences(laid.material, laid.chapters, laid.whole)
    chosen = list(extract(laid.material, laid.chapters, laid.whole, length, focus))
    spoken: dict[int, list[Said]] = {}
    for s in said:
        spoken.setdefault(laid.place(s.passage.range.start), []).append(s)
    sizes = {place: _size(s.passage.text for s in own) for place, own in spoken.items()}
    heard = {laid.place(s.ranges[0].start) for s in chosen}
    room = min(WORDS[length], max(1, sum(sizes.values()) // PART))
    near = _nearness(said, focus)
    least = min((near.get(s.ranges[0].start, 0.0) for s in chosen), default=0.0)
    for place in sorted(set(spoken) - heard, key=lambda place: -sizes[place]):
        own = {s.passage.text for s in spoken[place]}
        best = extract(laid.material, laid.chapters, laid.spans[place], Length.SHORT, focus)
        able = [s for s in best if s.text in own and near.get(s.ranges[0].start, 0.0) >= least]
        if able:
            shortest = min(able, key=lambda s: _size([s.text]))
            chosen = _with(laid, chosen, shortest, room)
    return tuple(sorted(chosen, key=lambda s: s.ranges))


def _with(laid: Laid, chosen: list[SummarySentence], more: SummarySentence, room: int) -> list[SummarySentence]:
    """The sentences with one more, for which the videos with the most words give up some; the same if there is no room.

    Of such a video its shortest sentence goes that makes enough room, else its longest.
    """
    kept = list(chosen)
    while (over := _size(s.text for s in kept) + _size([more.text]) - room) > 0:
        counts = Counter(laid.place(s.ranges[0].start) for s in kept)
        loads = Counter[int]()
        for s in kept:
            place = laid.place(s.ranges[0].start)
            loads[place] += _size([s.text]) if counts[place] > 1 else 0
        place, load = max(loads.items(), key=lambda item: item[1], default=(0, 0))
        if not load:
            return chosen
        own = sorted((s for s in kept if laid.place(s.ranges[0].start) == place), key=lambda s: _size([s.text]))
        kept.remove(next((s for s in own if _size([s.text]) >= over), own[-1]))
    return [*kept, more]


def _nearness(said: Sequence[Said], focus: Focus | None) -> dict[int, float]:
    """Cosines to the focus by when a sentence begins; none without a focus or vectors."""
    if focus is None or not said or said[0].vector is None:
        return {}
    near = focus.cosines(np.array([s.vector for s in said]))
    return {s.passage.range.start: float(value) for s, value in zip(said, near, strict=True)}


def _size(texts: Iterable[str]) -> int:
    return sum(len(words(text)) for text in texts)
