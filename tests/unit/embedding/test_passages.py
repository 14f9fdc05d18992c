"""Transcripts, on-screen text and captions as passages: nothing lost, nothing said twice, times kept."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.text import (
    Caption,
    Captions,
    Cue,
    OnScreenText,
    Passage,
    Reading,
    Sentence,
    Source,
    Track,
    Transcript,
    TranscriptTrack,
    Word,
)
from services.core.times import SECOND, TimeRange
from services.embedding.domain.cuts import LONGEST
from services.embedding.domain.passages import JOIN_WITHIN, passages, spoken
from services.embedding.domain.words import count, one_line

WORDS = st.sampled_from(["a", "dog", "runs.", "naïve", "雪", "雪が降る。", "ok?", "\u00a0", "x" * 30, "สวัสดี", "🏔"])


def track(sentences: list[Sentence], cues: list[Cue] | None = None, language: str = "en") -> TranscriptTrack:
    return TranscriptTrack(language, Source.SUBTITLE_FILE, cues=tuple(cues or ()), sentences=tuple(sentences))


def said(start: int, end: int, text: str, confidence: float = 1.0) -> Sentence:
    return Sentence(TimeRange(start, end), text, confidence)


def numbered(n: int) -> str:
    return " ".join(f"w{i}" for i in range(n))


@st.composite
def transcripts(draw: st.DrawFn) -> TranscriptTrack:
    """Sentences of 0 to 200 words, in order of start, which may overlap; with cues that make them up, or others."""
    at, sentences, cues = 0, [], []
    for _ in range(draw(st.integers(0, 6))):
        at += draw(st.integers(0, 2 * JOIN_WITHIN))
        parts = draw(st.lists(st.lists(WORDS, min_size=1, max_size=40), max_size=6))
        inside = []
        start = at
        for part in parts:
            end = at + draw(st.integers(0, 3 * SECOND))
            timed = [Word(TimeRange(at, end), word) for word in part] if draw(st.booleans()) else []
            inside.append(Cue(TimeRange(at, end), "\n".join(part), 1.0, tuple(timed)))
            at = end
        sentences.append(said(start, at, " ".join(cue.text for cue in inside), draw(st.floats(0, 1))))
        cues += draw(st.sampled_from([inside, inside[1:], []]))
        at = max(start, at - draw(st.sampled_from([0, SECOND])))
    return track(sentences, cues)


def letters(texts: list[str]) -> str:
    return "".join("".join(text.split()) for text in texts)


@given(transcripts())
def test_every_word_is_in_one_passage_in_order_and_in_its_sentences_time(heard: TranscriptTrack) -> None:
    found = spoken(heard)
    assert letters([p.text for p in found]) == letters([s.text for s in heard.sentences])
    at, inside = 0, [(letters([s.text]), s.range) for s in heard.sentences]
    ends = [sum(len(text) for text, _ in inside[: i + 1]) for i in range(len(inside))]
    for passage in found:
        assert passage.text == one_line(passage.text) != ""
        after = at + len(letters([passage.text]))
        sources = [
            r for (text, r), end in zip(inside, ends, strict=True) if text and end - len(text) < after and at < end
        ]
        assert min(r.start for r in sources) <= passage.range.start
        assert passage.range.end <= max(r.end for r in sources)
        at = after


@given(transcripts())
def test_no_passage_is_much_longer_than_the_longest(heard: TranscriptTrack) -> None:
    assert all(count(p.text) <= LONGEST + 16 for p in spoken(heard))


@given(transcripts())
def test_pieces_of_a_sentence_follow_each_other(heard: TranscriptTrack) -> None:
    for sentence in heard.sentences:
        pieces = spoken(replace(heard, sentences=(sentence,)))
        assert [p.range.start for p in pieces] == sorted(p.range.start for p in pieces)
        assert {p.confidence for p in pieces} <= {sentence.confidence}


def test_a_sentence_is_a_passage_on_one_line() -> None:
    (found,) = spoken(track([said(1, 9, " We  speak\nof dogs. ", 0.5)], language="de"))
    assert found == Passage(Track.SPEECH, TimeRange(1, 9), "We speak of dogs.", "de", 0.5)


def test_a_word_alone_is_joined_to_the_one_before_when_near() -> None:
    first = said(0, SECOND, "Do you see it?", 0.9)
    near = said(SECOND + JOIN_WITHIN, 2 * SECOND, "Yes.", 0.7)
    far = said(2 * SECOND + JOIN_WITHIN + 1, 4 * SECOND, "Good.")
    after = said(4 * SECOND, 5 * SECOND, "Then we go on.")
    found = spoken(track([first, near, far, after]))
    assert [(p.text, p.range, p.confidence) for p in found] == [
        ("Do you see it? Yes.", first.range.span(near.range), 0.7),
        ("Good. Then we go on.", far.range.span(after.range), 1.0),
    ]


def test_two_sentences_are_not_joined() -> None:
    assert len(spoken(track([said(0, 5, "a dog runs"), said(5, 9, "a cat sleeps")]))) == 2


def test_a_sentence_in_a_script_without_blanks_is_no_single_word() -> None:
    assert len(spoken(track([said(0, 5, "雪が降る。"), said(5, 9, "犬が走る。")]))) == 2


def test_a_long_sentence_is_cut_by_the_times_of_its_words() -> None:
    n = 2 * LONGEST
    words = tuple(Word(TimeRange(10 * i, 10 * i + 7), f"w{i}") for i in range(n))
    cue = Cue(TimeRange(0, 10 * n), numbered(n), 1.0, words)
    first, second = spoken(track([said(0, 10 * n, numbered(n))], [cue]))
    assert (first.range, second.range) == (TimeRange(0, 10 * 59 + 7), TimeRange(600, 10 * (n - 1) + 7))
    assert second.text.split()[0] == "w60"


def test_a_long_sentence_is_cut_where_a_cue_ends_nearby() -> None:
    texts = [" ".join(f"w{i}" for i in range(a, b)) for a, b in ((0, 30), (30, 55), (55, 100))]
    cues = [Cue(TimeRange(100 * i, 100 * i + 90), text.replace(" ", "\n", 1)) for i, text in enumerate(texts)]
    first, second = spoken(track([said(0, 290, numbered(100))], cues))
    assert (first.text, first.range) == (f"{texts[0]} {texts[1]}", TimeRange(0, 190))
    assert (second.text, second.range) == (texts[2], TimeRange(200, 290))


def test_a_long_sentence_that_begins_and_ends_inside_cues_is_timed_by_them() -> None:
    words = numbered(80).split()
    cues = [
        Cue(TimeRange(0, 100), " ".join(["End", "of", "another.", *words[:40]])),
        Cue(TimeRange(100, 200), " ".join([*words[40:], "And", "the", "next."])),
    ]
    first, second = spoken(track([said(0, 200, " ".join(words))], cues))
    assert (first.range, second.range) == (TimeRange(0, 100), TimeRange(100, 200))


def test_a_long_sentence_without_cues_is_timed_by_its_characters() -> None:
    text = " ".join(["abcd"] * 100)
    first, second = spoken(track([said(0, 499, text)]))
    assert first.range == TimeRange(0, 249)
    assert second.range == TimeRange(250, 499)


def test_a_long_sentence_in_a_script_without_blanks_is_cut_between_letters() -> None:
    found = spoken(track([said(0, 130, "雪" * 130)]))
    assert [len(p.text) for p in found] == [43, 43, 44]
    assert [p.range for p in found] == [TimeRange(0, 43), TimeRange(43, 86), TimeRange(86, 130)]


def test_texts_come_by_track_then_by_time() -> None:
    english = track([said(0, 5, "One thing."), said(20, 25, "Another thing.")])
    german = track([said(1, 6, "Ein Ding."), said(21, 26, "Noch eins hier.")], language="de")
    readings = (
        Reading(TimeRange(9, 12), "SALE\n50 percent  off", 0.8),
        Reading(TimeRange(3, 4), "first", 0.9),
        Reading(TimeRange(2, 3), " \n", 0.9),
    )
    captions = (
        Caption(0, TimeRange(0, 7), "A dog runs.", "It is brown.", 0.7, 0.9, "m"),
        Caption(1, TimeRange(7, 9), "A cat.", "", 0.6, 0.9, "m"),
        Caption(2, TimeRange(9, 12), "A cow.", "A cow. It eats.", 0.5, 0.9, "m"),
        Caption(3, TimeRange(12, 13), "", "", 0.5, 0.9, "m"),
    )
    found = passages(Transcript((english, german)), OnScreenText(readings), Captions(captions))
    assert [(p.track, p.range.start, p.text, p.language, p.confidence) for p in found] == [
        (Track.SPEECH, 0, "One thing.", "en", 1.0),
        (Track.SPEECH, 1, "Ein Ding.", "de", 1.0),
        (Track.SPEECH, 20, "Another thing.", "en", 1.0),
        (Track.SPEECH, 21, "Noch eins hier.", "de", 1.0),
        (Track.ON_SCREEN_TEXT, 3, "first", "", 0.9),
        (Track.ON_SCREEN_TEXT, 9, "SALE 50 percent off", "", 0.8),
        (Track.CAPTION, 0, "A dog runs. It is brown.", "", 0.7),
        (Track.CAPTION, 7, "A cat.", "", 0.6),
        (Track.CAPTION, 9, "A cow. It eats.", "", 0.5),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), (" \n", 0), ("a dog's life", 3), ("雪が降る", 4), ("iPhone を買う", 4), ("안녕 세상", 2)],
)
def test_words_are_counted_in_any_script(text: str, words: int) -> None:
    assert count(text) == words
