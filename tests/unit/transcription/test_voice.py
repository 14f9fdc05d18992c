"""Where somebody speaks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transcription.domain.sound import RATE, WINDOW, Span, first_sample, time_of
from services.transcription.domain.voice import VoiceRule, spans, split

RULE = VoiceRule()


def chances(*parts: tuple[float, float]) -> np.ndarray:
    """Seconds and their chance of speech, one after the other."""
    return np.concatenate([np.full(round(s * RATE / WINDOW), c, np.float32) for s, c in parts])


def test_speech_is_padded_but_not_beyond_half_of_a_pause() -> None:
    found = chances((1, 0), (1, 0.9), (1, 0), (1, 0.9), (0.05, 0))
    size = len(found) * WINDOW
    first, second = spans(found, size, RULE)
    assert first == Span(31 * WINDOW - RULE.padding, 62 * WINDOW + RULE.padding)
    assert second == Span(93 * WINDOW - RULE.padding, size)
    close = spans(chances((1, 0.9), (0.32, 0), (1, 0.9)), 10**6, VoiceRule(padding=RATE))
    assert close[0].end == close[1].start


def test_a_short_pause_lies_inside_speech_and_a_longer_one_ends_it() -> None:
    assert len(spans(chances((1, 0.9), (0.2, 0), (1, 0.9)), 10**6, RULE)) == 1
    assert len(spans(chances((1, 0.9), (0.5, 0), (1, 0.9)), 10**6, RULE)) == 2


def test_speech_goes_on_while_its_chance_is_middling_and_does_not_begin_so() -> None:
    assert len(spans(chances((1, 0.9), (1, 0.4), (1, 0.9)), 10**6, RULE)) == 1
    assert spans(chances((3, 0.4)), 10**6, RULE) == []


def test_a_click_is_no_speech() -> None:
    assert spans(chances((1, 0), (0.1, 1), (1, 0)), 10**6, RULE) == []


def test_speech_at_the_end_is_kept_to_the_last_sample() -> None:
    found = chances((1, 0), (1, 0.9))
    assert spans(found, len(found) * WINDOW - 100, RULE)[-1].end == len(found) * WINDOW - 100


def test_long_speech_is_cut_where_it_is_least_likely() -> None:
    found = np.full(1000, 0.9, np.float32)
    found[600] = 0.4
    assert split(Span(0, 1000 * WINDOW), found, 700 * WINDOW) == [
        Span(0, 600 * WINDOW),
        Span(600 * WINDOW, 1000 * WINDOW),
    ]


@given(st.integers(0, 5000), st.integers(1, 200_000), st.integers(WINDOW, 100_000), st.integers(0, 999))
def test_parts_cover_the_span_in_order_and_none_is_too_long(begin: int, size: int, longest: int, seed: int) -> None:
    whole = Span(begin, begin + size)
    parts = split(whole, np.random.default_rng(seed).random(420, np.float32), longest)
    assert [parts[0].start, *(p.end for p in parts)] == [*(p.start for p in parts), whole.end]
    assert all(0 < part.size <= longest for part in parts)


@pytest.mark.parametrize("time", [0, 1, 62_500, 62_501, 10**12 + 7])
def test_a_sample_is_the_first_at_or_after_a_time(time: int) -> None:
    sample = first_sample(time)
    assert time_of(sample) >= time > time_of(sample - 1) or sample == 0
