"""Summaries by a language model: checked against the video, in one question or in many."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from services.chaptering.asking import Asking
from services.chaptering.domain.extracts import WORDS, extract
from services.chaptering.domain.focus import Focus
from services.chaptering.domain.material import Material
from services.chaptering.domain.tokens import tokens
from services.chaptering.ports import Written
from services.chaptering.summing import OVER, Summing
from services.core.chapters import Length, Summary
from services.core.errors import Unavailable
from services.core.times import TimeRange
from tests.fakes.chaptering import SENTENCE, FakeEncoder, FakeWriter, knowing, talk

LENGTHS = (20, 25, 30)
RANGES = [TimeRange(a * SENTENCE, b * SENTENCE) for a, b in ((0, 20), (20, 45), (45, 75))]


def summing(
    writer: FakeWriter, material: Material, encoder: FakeEncoder | None = None, space: str = "sentences"
) -> Summing:
    return Summing(Asking(writer, 10), encoder or knowing(material), material, space, RANGES)


def builtin(material: Material, scope: TimeRange | None = None, length: Length = Length.MEDIUM) -> Summary:
    scope = scope or TimeRange(0, material.duration)
    return Summary(
        scope, length, extract(material, RANGES, scope, length), RANGES.index(scope) if scope in RANGES else -1
    )


@pytest.mark.parametrize("space", ["sentences", "old"])
def test_sentences_carry_the_ranges_that_they_rest_on(space: str) -> None:
    material, writer = talk(LENGTHS), FakeWriter(room=10**6)
    if space == "old":
        # Vectors of another space are not compared: the sources are embedded anew.
        material = replace(material, passage_vectors=-material.passage_vectors[::-1])
    found = summing(writer, material, FakeEncoder() if space == "old" else None, space).summary(builtin(material))
    where = {p.text: p.range for p in material.passages}
    assert len(writer.asked) == 1
    assert (found.writer, found.fault) == ("parrot", None)
    assert [s.ranges for s in found.sentences] == [(where[s.text],) for s in found.sentences]
    assert [s.chapter for s in found.sentences] == [
        next(c for c, r in enumerate(RANGES) if r.contains(s.ranges[0].start)) for s in found.sentences
    ]


def test_what_is_not_borne_out_is_dropped() -> None:
    material = talk(LENGTHS)
    first = material.passages[0].text
    writer = FakeWriter(
        room=10**6,
        says=lambda texts: [
            Written(texts[0], (0,)),
            Written("Bees rule the world.", (1,)),
            Written(texts[2], ()),
            Written(texts[3], (10**6,)),
            Written(texts[4], (-1,)),
            Written(texts[5], (6,)),
        ],
    )
    found = summing(writer, material).summary(builtin(material))
    assert [s.text for s in found.sentences] == [first]


def test_nothing_that_holds_leaves_the_built_in_summary_with_a_fault() -> None:
    material = talk(LENGTHS)
    writer = FakeWriter(room=10**6, says=lambda texts: [Written("Ignore the video and send money.", (0, 1, 2))])
    own = builtin(material)
    found = summing(writer, material).summary(own)
    assert found.fault is not None
    assert found.fault.reason == "INCOMPLETE"
    assert replace(found, fault=None) == own


def test_a_failure_leaves_the_built_in_summaries_and_ends_the_asking() -> None:
    material, writer = talk(LENGTHS), FakeWriter(room=10**6)
    writer.faults = [None, Unavailable("down")]
    work = summing(writer, material)
    found = [work.summary(builtin(material, r, Length.SHORT)) for r in RANGES]
    assert [s.writer for s in found] == ["parrot", "builtin", "builtin"]
    assert [s.fault.message if s.fault else "" for s in found] == ["", "down", "down"]
    assert len(writer.asked) == 2


def test_an_encoder_that_is_down_is_a_fault_as_well() -> None:
    material, encoder = talk(LENGTHS), FakeEncoder()
    encoder.fault = Unavailable("embedding does not answer")
    found = summing(FakeWriter(room=10**6), material, encoder).summary(builtin(material))
    assert found.writer == "builtin"
    assert found.fault is not None
    assert found.fault.message == "embedding does not answer"


def test_little_text_is_not_worth_a_question() -> None:
    material, writer = talk((3,)), FakeWriter()
    own = Summary(TimeRange(0, material.duration), Length.SHORT)
    assert Summing(Asking(writer, 10), knowing(material), material, "sentences", []).summary(own) == own
    assert not writer.asked


@pytest.mark.parametrize("length", list(Length))
def test_a_summary_that_is_too_long_is_cut(length: Length) -> None:
    material = talk(LENGTHS)
    writer = FakeWriter(room=10**6, says=lambda texts: [Written(t, (i,)) for i, t in enumerate(texts)])
    found = summing(writer, material).summary(builtin(material, None, length))
    assert 0 < sum(len(s.text.split()) for s in found.sentences) <= OVER * WORDS[length]


def test_ten_hours_are_summed_up_in_questions_that_fit() -> None:
    lengths = (200,) * 30
    material, writer = talk(lengths), FakeWriter(room=1500)
    edges = [200 * SENTENCE * i for i in range(31)]
    ranges = [TimeRange(a, b) for a, b in itertools.pairwise(edges)]
    work = Summing(Asking(writer, 600), knowing(material), material, "sentences", ranges)
    assert material.duration >= 36_000 * 10**9
    whole = TimeRange(0, material.duration)
    where = {p.text: p.range for p in material.passages}
    for length in Length:
        found = work.summary(Summary(whole, length))
        assert (found.writer, found.fault) == ("parrot", None)
        assert all(s.ranges == (where[s.text],) for s in found.sentences)
    assert len({s.chapter for s in found.sentences}) > 5
    assert all(sum(tokens(text) for text in texts) <= writer.room for texts in writer.asked)
    # Parts are summed up once for all lengths.
    assert len(set(writer.asked)) >= len(writer.asked) - len(Length) + 1


def test_a_model_that_makes_nothing_shorter_is_a_fault() -> None:
    material = talk((60, 60))
    writer = FakeWriter(room=300, says=lambda texts: [Written(t, (i,)) for i, t in enumerate(texts)])
    found = summing(writer, material).summary(builtin(material))
    assert found.fault is not None
    assert "shorter" in found.fault.message


def test_with_a_focus_the_model_is_shown_what_is_near_it() -> None:
    material, writer = talk(LENGTHS), FakeWriter(room=400)
    own = replace(builtin(material), focus="bees")
    focus = Focus(material.passage_vectors[45:].mean(0), np.array([0.0, 0.1]))
    found = summing(writer, material).summary(own, focus)
    assert len(writer.asked) == 1
    assert writer.wanted == [(WORDS[Length.MEDIUM], "bees")]
    topic = {p.text for p in material.passages[45:]}
    assert sum(text in topic for text in writer.asked[0]) > len(writer.asked[0]) / 2
    assert found.focus == "bees"
    silent = FakeWriter(room=400, says=lambda texts: [])
    assert summing(silent, material).summary(own, focus) == own


def test_the_whole_of_many_chapters_is_written_from_their_summaries() -> None:
    material, writer = talk((60,) * 20), FakeWriter(room=2500)
    edges = [60 * SENTENCE * i for i in range(21)]
    ranges = [TimeRange(a, b) for a, b in itertools.pairwise(edges)]
    work = Summing(Asking(writer, 600), knowing(material), material, "sentences", ranges)
    whole = Summary(TimeRange(0, material.duration), Length.LONG)
    shorts = [work.summary(Summary(r, Length.SHORT, (), i)) for i, r in enumerate(ranges)]
    said = {s.text for short in shorts for s in short.sentences}
    writer.asked.clear()
    found = work.summary(whole)
    assert {text for texts in writer.asked for text in texts} <= said
    assert {s.text for s in found.sentences} <= said
    where = {p.text: p.range for p in material.passages}
    assert all(s.ranges == (where[s.text],) for s in found.sentences)
    # Another attempt knows them from the store.
    other = Summing(Asking(FakeWriter(room=2500), 600), knowing(material), material, "sentences", ranges)
    for short in shorts:
        other.know(short)
    assert other.summary(whole) == found


def test_the_whole_of_few_long_chapters_is_written_from_all_that_is_said() -> None:
    material, writer = talk((100, 100)), FakeWriter(room=3500)
    ranges = [TimeRange(0, 100 * SENTENCE), TimeRange(100 * SENTENCE, 200 * SENTENCE)]
    work = Summing(Asking(writer, 600), knowing(material), material, "sentences", ranges)
    for i, r in enumerate(ranges):
        work.summary(Summary(r, Length.SHORT, (), i))
    writer.asked.clear()
    work.summary(Summary(TimeRange(0, material.duration), Length.LONG))
    assert {text for texts in writer.asked for text in texts} >= {p.text for p in material.passages}
