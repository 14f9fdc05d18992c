"""Titles of chapters by a language model, where it gives one that keeps the rules."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

from services.chaptering.asking import Asking
from services.chaptering.domain.extracts import extract, sentences
from services.chaptering.domain.material import Material
from services.chaptering.domain.titles import MOST_WORDS
from services.chaptering.domain.tokens import clipped, groups, tokens
from services.core.chapters import Chapter, Chapters, Length, TitleSource
from services.core.times import TimeRange

MOST_TOKENS = 600
"""Of a chapter that a language model is shown whole; of more, the sentences that sum it up."""


def title(asking: Asking, material: Material, chapters: Sequence[Chapter], given: Collection[TimeRange]) -> Chapters:
    """The chapters with titles by the model.

    Those at `given` ranges stay, as do built-in ones where the model gives none, one of more than eight words, or one
    that another chapter has. `fault` says why it was asked in vain.
    """
    writer, ranges = asking.writer, [chapter.range for chapter in chapters]
    asked = [i for i, chapter in enumerate(chapters) if chapter.range not in given]
    texts = {i: text for i in asked if (text := _text(material, ranges, i, chapters[i], min(MOST_TOKENS, writer.room)))}
    places, found, written = list(texts), list(chapters), 0
    taken = {chapter.title.casefold() for i, chapter in enumerate(chapters) if i not in texts}
    for group in groups(list(texts.values()), writer.room):
        part = [places[k] for k in group]
        titles = asking.ask(partial(writer.titles, [texts[i] for i in part]))
        for i, one in zip(part, titles or (), strict=False):
            if _keeps(one) and one.casefold() not in taken:
                taken.add(one.casefold())
                found[i] = replace(chapters[i], title=one, source=TitleSource.MODEL)
                written += 1
    return Chapters(tuple(found), writer.model if written else "builtin", asking.fault)


def _text(material: Material, ranges: Sequence[TimeRange], i: int, chapter: Chapter, room: int) -> str:
    """What the model is shown of a chapter; "" when nothing is said, shown as text or described there."""
    whole = " ".join(s.passage.text for s in sentences(material, ranges, ranges[i]))
    if tokens(whole) > room:
        whole = " ".join(s.text for s in extract(material, ranges, ranges[i], Length.LONG))
    headed = f"{chapter.title}. " if chapter.source is TitleSource.HEADING else ""
    return clipped(headed + whole, room) if whole or headed else ""


def _keeps(title: str) -> bool:
    return 1 <= len(title.split()) <= MOST_WORDS and any(c.isalnum() for c in title)
