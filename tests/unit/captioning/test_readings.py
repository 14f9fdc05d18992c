"""Lines of frames become readings with ranges."""

from hypothesis import given
from hypothesis import strategies as st

from services.captioning.domain.readings import GAP, join, track
from services.core.media import SampledFrame
from services.core.text import Box, OnScreenText, TextLine
from services.core.times import SECOND, TimeRange

WORDS = ["budget", "harbour", "mountain report", "9 lives", "volcano"]


def line(text: str, top: float = 0.1, confidence: float = 0.9) -> TextLine:
    return TextLine(text, Box(0.1, top, 0.5, top + 0.05), confidence)


def frames(*seconds: int) -> list[SampledFrame]:
    """Frames that stand for so many seconds, one after the other."""
    found, at = [], 0
    for length in seconds:
        found.append(SampledFrame(at, at * SECOND, TimeRange(at * SECOND, (at + length) * SECOND)))
        at += length
    return found


def seen(text: OnScreenText) -> list[tuple[int, int, str]]:
    return [(r.range.start // SECOND, r.range.end // SECOND, r.text) for r in text.readings]


def test_text_is_one_reading_while_it_stays() -> None:
    found = track(frames(2, 3, 1, 1), [[line("budget")], [line("budget")], [], [line("volcano")]])
    assert seen(found) == [(0, 5, "budget"), (6, 7, "volcano")]


def test_lines_that_come_and_go_together_are_one_reading() -> None:
    both = [line("title", 0.1), line("point one", 0.3)]
    found = track(frames(1, 1, 1), [both, both, [*both, line("point two", 0.5)]])
    assert seen(found) == [(0, 3, "title\npoint one"), (2, 3, "point two")]


def test_a_flickering_letter_does_not_part_a_reading_and_the_surest_spelling_counts() -> None:
    spellings = ["mountain repart", "mountain report", "mountain report"]
    found = track(frames(1, 1, 1), [[line(text)] for text in spellings])
    assert seen(found) == [(0, 3, "mountain report")]


def test_a_word_that_stands_elsewhere_on_the_next_slide_is_new_there() -> None:
    found = track(frames(2, 2), [[line("volcano"), line("budget", 0.5)], [line("mountain"), line("budget", 0.3)]])
    assert seen(found) == [(0, 2, "volcano\nbudget"), (2, 4, "mountain\nbudget")]


def test_a_word_that_stays_in_its_place_goes_on() -> None:
    found = track(frames(2, 2), [[line("volcano"), line("budget", 0.5)], [line("mountain"), line("budget", 0.5)]])
    assert seen(found) == [(0, 2, "volcano"), (0, 4, "budget"), (2, 4, "mountain")]


def test_writing_that_moves_is_one_reading() -> None:
    assert seen(track(frames(1, 1, 1), [[line("budget", at)] for at in (0.1, 0.4, 0.7)])) == [(0, 3, "budget")]


def test_a_short_gap_is_bridged_and_a_long_one_is_not() -> None:
    found = track(frames(1, 2, 1, 3, 1), [[line("budget")], [], [line("budget")], [], [line("budget")]])
    assert GAP == 2 * SECOND
    assert seen(found) == [(0, 4, "budget"), (7, 8, "budget")]


def test_a_clock_that_ticks_is_another_text_each_time() -> None:
    found = track(frames(1, 1), [[line("10:31")], [line("10:32")]])
    assert seen(found) == [(0, 1, "10:31"), (1, 2, "10:32")]


def test_confidence_is_weighed_by_letters() -> None:
    (reading,) = track(frames(1), [[line("a" * 30, 0.1, 0.9), line("b" * 10, 0.3, 0.5)]]).readings
    assert abs(reading.confidence - 0.8) < 1e-6


def test_a_reading_goes_on_over_a_segment_boundary() -> None:
    a = track(frames(2, 2), [[line("budget")], [line("budget"), line("volcano", 0.5)]])
    later = [SampledFrame(4, 4 * SECOND, TimeRange(4 * SECOND, 6 * SECOND))]
    b = track(later, [[line("budget"), line("mountain", 0.7)]])
    assert seen(join([a, b])) == [(0, 6, "budget"), (2, 4, "volcano"), (4, 6, "mountain")]


def test_readings_are_not_joined_where_a_segment_is_missing() -> None:
    a = track(frames(2), [[line("budget")]])
    b = track([SampledFrame(9, 9 * SECOND, TimeRange(9 * SECOND, 10 * SECOND))], [[line("budget")]])
    assert seen(join([a, b])) == [(0, 2, "budget"), (9, 10, "budget")]
    assert join([]) == OnScreenText()


@given(st.lists(st.tuples(st.integers(1, 4), st.lists(st.sampled_from(WORDS), max_size=3, unique=True)), max_size=30))
def test_every_line_is_in_just_one_reading_while_it_is_seen(seconds: list[tuple[int, list[str]]]) -> None:
    shown = frames(*(length for length, _ in seconds))
    found = track(shown, [[line(text, i / 10) for i, text in enumerate(texts)] for _, texts in seconds])
    for frame, (_, texts) in zip(shown, seconds, strict=True):
        for text in texts:
            over = [r for r in found.readings if r.range.contains(frame.time) and text in r.text.split("\n")]
            assert len(over) == 1
    starts = [r.range for r in found.readings]
    assert starts == sorted(starts)
    assert all(r.range.duration > 0 and r.lines for r in found.readings)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=3, unique=True), min_size=2, max_size=20), st.data())
def test_cutting_a_film_in_segments_changes_nothing_that_lasts(texts: list[list[str]], data: st.DataObject) -> None:
    """Without gaps to bridge, segments joined are what one segment gives."""
    present: list[list[str]] = []
    for row in texts:
        # No text comes back soon after it went, which a boundary would not bridge.
        present.append([t for t in row if all(t in p for p in present[-3:]) or all(t not in p for p in present[-3:])])
    shown = frames(*[1] * len(present))
    lines = [[line(text, WORDS.index(text) / 10) for text in row] for row in present]
    at = data.draw(st.integers(1, len(shown) - 1))
    whole = track(shown, lines)
    gaps = any(
        t in b and t not in m and t in a
        for a, m, b in zip(present, present[1:], present[2:], strict=False)
        for t in WORDS
    )
    if not gaps:
        assert seen(join([track(shown[:at], lines[:at]), track(shown[at:], lines[at:])])) == seen(whole)
