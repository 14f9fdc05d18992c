"""Events that tend to come with a new chapter: a cut, a new heading, a pause.

How telling a kind is depends on the video: in a film with a cut every four seconds cuts say nothing, in a lecture with
ten slides each may begin a chapter. So it is learned from the video: a kind's weight is the log odds that one comes
where a chapter begins, against elsewhere, counted over the chapters found so far (naive Bayes, in rounds).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BESIDE_TEXTS = 1.5
"""What an event's log odds count beside the gains of texts, which are too sure of themselves: they take each sentence
for a witness of its own, and sentences lean on each other."""


def bonus(events: Mapping[str, Flags], cuts: Sequence[int], chapters: int) -> F64:
    """What a chapter that begins at an atom gains, [n+1].

    `events` by kind are flags [n+1]; `cuts` are the atoms where chapters begin in the segmentation found so far (none
    before the first); `chapters` is how many are to be expected, which explain as many events of a kind. A kind that
    is rarer at chapters than elsewhere counts nothing.
    """
    n = max((len(flags) for flags in events.values()), default=1) - 1
    total = np.zeros(n + 1)
    inner = [c for c in cuts if 0 < c < n]
    for flags in events.values():
        here = int(flags[1:n].sum())
        begun = len(inner) or max(1, chapters - 1)
        # Before anything is found, any event may be one of the chapters that are expected; that belief counts as much
        # as what was counted, or a first round without it could never be left.
        hits = min(here, begun) * min(1.0, begun / max(1, here))
        if inner:
            hits = (hits + float(flags[inner].sum())) / 2
        alone = here - hits
        with_ = (hits + 0.5) / (begun + 1)
        elsewhere = (alone + 0.5) / (max(1, n - 1 - begun) + 1)
        if 0 < elsewhere < 1 and with_ > elsewhere:
            weight = np.log(with_ / elsewhere)
            total += np.where(flags, weight, min(0.0, np.log((1 - with_) / (1 - elsewhere))))
    return BESIDE_TEXTS * total
