"""Sentences and the times that they get."""

from hypothesis import given
from hypothesis import strategies as st

from services.core.text import Cue, Sentence, Word
from services.core.times import MILLISECOND, SECOND, TimeRange
from services.transcription.domain.sentences import LONGEST, PAUSE, sentences
from tests.fakes.transcription import FullStops

split = lambda text: FullStops().ends(text, "en")  # noqa: E731


def cue(start: float, end: float, text: str, confidence: float = 1.0, words: tuple[Word, ...] = ()) -> Cue:
    return Cue(TimeRange(round(start * SECOND), round(end * SECOND)), text, confidence, words)


def spoken(start: float, *texts: str, each: float = 0.5) -> Cue:
    """A cue whose words last `each` seconds."""
    words = tuple(
        Word(TimeRange(round((start + i * each) * SECOND), round((start + (i + 1) * each) * SECOND)), text, 0.5)
        for i, text in enumerate(texts)
    )
    return Cue(TimeRange(words[0].range.start, words[-1].range.end), " ".join(texts), 0.5, words)


def test_a_sentence_over_several_cues_lasts_from_the_first_to_the_last() -> None:
    found = sentences([cue(1, 2, "It was\nlate", 0.9), cue(2, 4, "when he came."), cue(4, 5, "Yes.")], split)
    assert found == (
        Sentence(TimeRange(SECOND, 4 * SECOND), "It was late when he came.", 0.9),
        Sentence(TimeRange(4 * SECOND, 5 * SECOND), "Yes.", 1.0),
    )


def test_a_sentence_that_starts_inside_a_cue_takes_its_words_time_where_there_is_one() -> None:
    found = sentences([spoken(10, "Go.", "Now", "we", "wait.")], split)
    assert [(s.text, s.range.start / SECOND, s.range.end / SECOND) for s in found] == [
        ("Go.", 10.0, 10.5),
        ("Now we wait.", 10.5, 12.0),
    ]


def test_a_sentence_that_starts_inside_a_cue_without_timed_words_lies_there_by_its_share_of_characters() -> None:
    first, second = sentences([cue(0, 10, "Abcd. Efgh.")], split)
    assert first.range == TimeRange(0, 5 * 10 * SECOND // 11)
    assert second.range == TimeRange(6 * 10 * SECOND // 11, 10 * SECOND)


def test_a_full_stop_that_was_left_out_does_not_join_what_a_pause_parts() -> None:
    cues = [cue(0, 3, "A boy kneels in front of a goal"), cue(4.2, 7, "A dog runs. It is black.")]
    found = sentences(cues, split)
    assert [s.text for s in found] == ["A boy kneels in front of a goal", "A dog runs.", "It is black."]
    assert found[0].range == TimeRange(0, 3 * SECOND)


def test_without_punctuation_a_sentence_is_what_is_said_between_two_pauses() -> None:
    found = sentences([spoken(0, "a", "brown", "dog"), spoken(1.6, "runs"), spoken(4, "a", "cat")], split)
    assert [s.text for s in found] == ["a brown dog runs", "a cat"]
    assert found[1].range == TimeRange(4 * SECOND, 5 * SECOND)


def test_a_long_pause_ends_a_sentence_even_before_its_full_stop() -> None:
    found = sentences([cue(0, 1, "And then"), cue(60, 61, "he left. Fine.")], split)
    assert [s.text for s in found] == ["And then", "he left.", "Fine."]


def test_two_speakers_of_one_cue_say_two_sentences() -> None:
    found = sentences([cue(0, 2, "- Are you there\n- Yes."), cue(2, 3, "Good.")], split)
    assert [(s.text, s.range.end // SECOND) for s in found] == [("Are you there", 2), ("Yes.", 2), ("Good.", 3)]


def test_captions_that_scroll_are_said_once() -> None:
    rolling = [
        cue(0, 2, "one two"),
        cue(2, 2.01, "one two"),
        cue(2.01, 4, "one two\nthree four."),
        cue(4, 6, "three four.\nfive six."),
    ]
    assert " ".join(s.text for s in sentences(rolling, split)) == "one two three four. five six."


def test_what_is_said_twice_is_kept_twice() -> None:
    assert [s.text for s in sentences([cue(0, 2, "No."), cue(2, 4, "No.")], split)] == ["No.", "No."]


def test_endless_talk_is_cut_at_its_longest_pause() -> None:
    talk = [spoken(i, "word", "after", each=0.4) for i in range(80)]
    moved = [*talk[:40], *(spoken(i + 0.3, "word", "after", each=0.4) for i in range(40, 80))]
    found = sentences(moved, split)
    assert all(len(s.text) <= LONGEST for s in found)
    assert any(s.range.start == round(40.3 * SECOND) for s in found)
    assert " ".join(s.text for s in found) == " ".join(["word after"] * 80)


def test_no_cues_no_sentences() -> None:
    assert sentences([], split) == ()


texts = st.lists(st.sampled_from(["dog", "cat.", "a", "runs.", "über", "是的。"]), min_size=1, max_size=12).map(
    " ".join
)


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 9000), texts), max_size=20))
def test_nothing_is_lost_and_every_sentence_lies_within_the_cues(rows: list[tuple[int, int, str]]) -> None:
    at, cues = 0, []
    for gap, length, text in rows:
        at += gap
        cues.append(Cue(TimeRange(at * MILLISECOND, (at + length) * MILLISECOND), text))
        at += length + PAUSE // MILLISECOND
    found = sentences(cues, split)
    assert " ".join(s.text for s in found).split() == " ".join(c.text for c in cues).split()
    for sentence in found:
        assert sentence.range.duration > 0 or not sentence.text
        assert any(c.range.start <= sentence.range.start for c in cues)
        assert sentence.range.end <= max(c.range.end for c in cues)
    assert [s.range.start for s in found] == sorted(s.range.start for s in found)
