"""Words and cues, and how they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.text import Cue, Sentence, Source, TranscriptTrack, Word
from services.core.times import MILLISECOND, SECOND, TimeRange
from services.transcription.domain.cues import CHARACTERS, LONGEST, owned, readable, shifted
from services.transcription.domain.subtitles import cues as cues_of
from services.transcription.domain.words import joined, located
from services.transcription.domain.writing import Format, write
from services.transcription.readers import SubtitleReaders


def word(start: float, end: float, text: str, confidence: float = 0.5) -> Word:
    return Word(TimeRange(round(start * SECOND), round(end * SECOND)), text, confidence)


def cue(*words: Word) -> Cue:
    return Cue(TimeRange(words[0].range.start, words[-1].range.end), joined(words), 0.5, words)


def test_recognized_words_become_cues_that_end_at_pauses() -> None:
    found = readable([cue(word(0, 1, "a", 1.0), word(1, 2, "dog", 0.0), word(2.6, 3, "runs"))])
    assert [(c.text, c.range.end) for c in found] == [("a dog", 2 * SECOND), ("runs", 3 * SECOND)]
    assert found[0].confidence == 0.25


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 900), st.integers(1, 12)), min_size=1, max_size=80))
def test_no_cue_grows_too_long_to_be_read_and_no_word_is_lost(rows: list[tuple[int, int, int]]) -> None:
    at, words = 0, []
    for gap, length, letters in rows:
        words.append(Word(TimeRange((at + gap) * MILLISECOND, (at + gap + length) * MILLISECOND), "x" * letters))
        at += gap + length
    found = readable([cue(*words)])
    assert [w for c in found for w in c.words] == words
    assert all(len(c.text) <= CHARACTERS and c.range.duration <= LONGEST for c in found)


def test_a_cue_whose_words_do_not_spell_it_is_left_whole() -> None:
    whole = Cue(TimeRange(0, 20 * SECOND), "A dog, running.", 1.0, (word(0, 1, "a"), word(5, 6, "dog")))
    assert readable([whole]) == (whole,)


def test_words_belong_to_the_side_on_which_their_middle_lies() -> None:
    heard = [cue(word(0, 1, "a"), word(1, 3, "dog"), word(3, 4, "runs")), Cue(TimeRange(0, SECOND), "x")]
    assert [c.text for c in owned(heard, TimeRange(0, 2 * SECOND))] == ["a", "x"]
    assert [c.text for c in owned(heard, TimeRange(2 * SECOND, 9 * SECOND))] == ["dog runs"]


def test_cues_move_with_their_words() -> None:
    (moved,) = shifted([cue(word(0, 1, "a"))], 5 * SECOND)
    assert moved.range == moved.words[0].range == TimeRange(5 * SECOND, 6 * SECOND)


def test_words_are_joined_as_their_script_does() -> None:
    assert joined([word(0, 1, " one"), word(1, 2, "two.")]) == "one two."
    assert joined([word(0, 1, "你好"), word(1, 2, "世界"), word(2, 3, "OK")]) == "你好世界 OK"


def test_words_are_found_in_their_text_whatever_the_case() -> None:
    words = [word(0, 1, "the"), word(1, 2, "the"), word(2, 3, "end")]
    assert [at for at, _ in located("The, the END.", words) or ()] == [0, 5, 9]
    assert located("The end", words) is None


TRACK = TranscriptTrack(
    "en",
    Source.EDITED,
    cues=(
        Cue(TimeRange(0, 1_499_600_000), "a <b> & c\n\n--> d"),
        Cue(TimeRange(3_723_004 * MILLISECOND, 3_723_500 * MILLISECOND), "late"),
    ),
    sentences=(Sentence(TimeRange(0, 1), "One\nline."), Sentence(TimeRange(1, 2), "Two.")),
)


def test_hours_are_always_written_and_text_stays_text() -> None:
    assert write(TRACK, Format.SRT) == (
        "1\n00:00:00,000 --> 00:00:01,500\na <b> & c\n-> d\n\n2\n01:02:03,004 --> 01:02:03,500\nlate\n\n"
    )
    assert write(TRACK, Format.WEBVTT) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\na &lt;b&gt; &amp; c\n--&gt; d\n\n"
        "01:02:03.004 --> 01:02:03.500\nlate\n\n"
    )
    assert write(TRACK, Format.TEXT) == "One line.\nTwo.\n"


lines = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20).filter(lambda s: "->" not in s)


@pytest.mark.parametrize("format_", [Format.WEBVTT, Format.SRT])
@given(
    st.lists(
        st.tuples(st.integers(0, 300_000_000), st.integers(1, 9000), st.lists(lines, min_size=1, max_size=3)),
        max_size=5,
    )
)
def test_what_is_written_is_read_again(format_: Format, rows: list[tuple[int, int, list[str]]]) -> None:
    cues = tuple(
        sorted(
            (Cue(TimeRange(s * MILLISECOND, (s + d) * MILLISECOND), "\n".join(text)) for s, d, text in rows),
            key=lambda c: (c.range.start, c.range.end),
        )
    )
    if format_ is Format.SRT:
        # SubRip has no way to say that a letter is no markup, and no number of more than a cue's.
        cues = tuple(c for c in cues if not set(c.text) & set("<>{}&\\") and not c.text.split("\n")[-1].isdigit())
    written = write(TranscriptTrack("", Source.EDITED, cues=cues), format_)
    if cues:
        assert cues_of(SubtitleReaders().read(written.encode(), "x").entries) == cues
