"""Titles by a language model."""

import itertools
from collections.abc import Sequence

import pytest

from services.chaptering.asking import Asking
from services.chaptering.titling import title
from services.core.chapters import Chapter, TitleSource
from services.core.errors import Unavailable
from services.core.times import TimeRange
from tests.fakes.chaptering import SENTENCE, FakeWriter, silent_film, talk

LENGTHS = (20, 25, 30)
EDGES = (0, 20 * SENTENCE, 45 * SENTENCE, 75 * SENTENCE)
CHAPTERS = tuple(
    Chapter(TimeRange(a, b), f"Phrase {i}", source=TitleSource.PHRASE)
    for i, (a, b) in enumerate(itertools.pairwise(EDGES))
)


def names(*titles: str) -> FakeWriter:
    writer = FakeWriter()
    writer.names = lambda texts: titles
    return writer


def test_titles_are_of_each_chapters_own_text() -> None:
    material, writer = talk(LENGTHS), FakeWriter()
    found = title(Asking(writer, 10), material, CHAPTERS, ())
    assert len(writer.asked) == 1
    for chapter, text in zip(found.chapters, writer.asked[0], strict=True):
        assert chapter.title == " ".join(text.split()[:3])
        assert chapter.source is TitleSource.MODEL
        own = [p.text for p in material.passages if chapter.range.contains(p.range.start)]
        assert text.split(". ")[0].rstrip(".") in {t.rstrip(".") for t in own}
    assert (found.writer, found.fault) == ("parrot", None)
    assert [c.range for c in found.chapters] == [c.range for c in CHAPTERS]


@pytest.mark.parametrize("wrong", ["", "one two three four five six seven eight nine", "?!"])
def test_a_title_that_breaks_the_rules_leaves_the_built_in_one(wrong: str) -> None:
    found = title(Asking(names("Bees", wrong, "BEES"), 10), talk(LENGTHS), CHAPTERS, ())
    assert [c.title for c in found.chapters] == ["Bees", "Phrase 1", "Phrase 2"]
    assert [c.source for c in found.chapters] == [TitleSource.MODEL, TitleSource.PHRASE, TitleSource.PHRASE]
    assert (found.writer, found.fault) == ("parrot", None)


def test_fewer_titles_than_chapters_leave_the_rest() -> None:
    found = title(Asking(names("Bees"), 10), talk(LENGTHS), CHAPTERS, ())
    assert [c.title for c in found.chapters] == ["Bees", "Phrase 1", "Phrase 2"]


def test_given_titles_are_neither_asked_for_nor_repeated() -> None:
    writer = names("Phrase 1", "Hives")
    found = title(Asking(writer, 10), talk(LENGTHS), CHAPTERS, {CHAPTERS[1].range})
    assert [c.title for c in found.chapters] == ["Phrase 0", "Phrase 1", "Hives"]
    assert len(writer.asked[0]) == 2


def test_many_chapters_are_asked_for_in_groups_that_fit_and_a_failure_ends_the_asking() -> None:
    writer = FakeWriter(room=300)
    writer.faults = [None, Unavailable("down")]
    found = title(Asking(writer, 10), talk(LENGTHS), CHAPTERS, ())
    assert [len(texts) for texts in writer.asked] == [1, 1]
    assert [c.source for c in found.chapters] == [TitleSource.MODEL, TitleSource.PHRASE, TitleSource.PHRASE]
    assert found.writer == "parrot"
    assert found.fault is not None
    assert found.fault.message == "down"


def test_a_film_without_words_asks_nothing() -> None:
    film, writer = silent_film((10, 10)), FakeWriter()
    chapter = Chapter(TimeRange(0, film.duration), "Chapter 1", source=TitleSource.NUMBER)
    found = title(Asking(writer, 10), film, [chapter], ())
    assert (found.chapters, found.writer, found.fault) == ((chapter,), "builtin", None)
    assert not writer.asked


def test_a_heading_is_shown_to_the_model() -> None:
    seen: list[Sequence[str]] = []
    writer = FakeWriter()
    writer.names = lambda texts: seen.append(texts) or [""]  # type: ignore[func-returns-value]
    headed = Chapter(CHAPTERS[0].range, "How bees dance", source=TitleSource.HEADING)
    found = title(Asking(writer, 10), talk(LENGTHS), [headed], ())
    assert seen[0][0].startswith("How bees dance. ")
    assert (found.chapters, found.writer) == ((headed,), "builtin")
