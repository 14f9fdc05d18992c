"""Long texts as windows: nothing is left out, sentences stay whole where they fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.embedding.domain.windows import Tokens, windows
from tests.fakes.embedding import FakeTokenizer

WORDS = st.lists(st.sampled_from(["a", "dog", "runs.", "Why?", "no!\n", "snow…", "on", "雪。"]), max_size=60)


def cut(text: str, room: int) -> list[tuple[int, ...]]:
    return windows(text, FakeTokenizer().tokens(text), room)


@given(WORDS, st.integers(1, 12))
def test_every_token_is_in_just_one_window_that_fits(words: list[str], room: int) -> None:
    text = " ".join(words)
    found = cut(text, room)
    assert tuple(i for window in found for i in window) == FakeTokenizer().tokens(text).ids
    assert all(1 <= len(window) <= room for window in found)


@given(st.text(max_size=80), st.lists(st.integers(0, 80), max_size=40), st.integers(1, 12))
def test_any_offsets_keep_every_token(text: str, ends: list[int], room: int) -> None:
    tokens = Tokens(tuple(range(len(ends))), tuple(sorted(ends)))
    found = windows(text, tokens, room)
    assert tuple(i for window in found for i in window) == tokens.ids
    assert all(1 <= len(window) <= room for window in found)


@pytest.mark.parametrize(
    ("text", "room", "lengths"),
    [
        ("one two three", 6, [3]),
        ("one two. three four. five six.", 4, [4, 2]),
        ("one two. three four. five six.", 5, [4, 2]),
        ("one two three. four five six seven.", 4, [3, 4]),
        ("one two\nthree four", 3, [2, 2]),
        ("a b c d e f g", 4, [3, 4]),
        ("x. a b c d e f g", 4, [1, 3, 4]),
        ('He said "no." She left.', 3, [3, 2]),
        ("3.14 is no sentence end", 5, [5]),
        ("", 4, []),
    ],
    ids=["fits", "packed", "not-split", "own-windows", "lines", "halved", "halved-alone", "quote", "number", "empty"],
)
def test_cuts(text: str, room: int, lengths: list[int]) -> None:
    assert [len(window) for window in cut(text, room)] == lengths


def test_a_window_without_room_is_a_fault() -> None:
    with pytest.raises(ValueError, match="room"):
        windows("a", Tokens((1,), (1,)), 0)
