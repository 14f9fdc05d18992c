"""What a query's text asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.domain.asked import MAX_PHRASES, MAX_PIECES, WHOLE, Asked, asked
from services.search.domain.words import words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a man", Asked(("a man",))),
        ('"ice picks" man', Asked(("man",), (("ice", "picks"),))),
        ('"Ice, picks!"', Asked(("ice picks",), (("ice", "picks"),))),
        ('"one" and "two" "ONE"', Asked(("and",), (("one",), ("two",)))),
        ("“curly quotes” here", Asked(("here",), (("curly", "quotes"),))),
        ('a "dog', Asked(('a "dog',))),
        ('"a dog" on "the', Asked(('on "the',), (("a", "dog"),))),
        ('a 5" pipe and a 6" pipe', Asked(('a 5" pipe and a 6" pipe',))),
        ('""', Asked(('""',))),
        ('"!?" 😀', Asked(('"!?" 😀',))),
        ('"!?" "dog"', Asked(("dog",), (("dog",),))),
    ],
)
def test_quotes(text: str, expected: Asked) -> None:
    assert asked(text) == expected


def test_a_text_full_of_quotes_is_a_text() -> None:
    text = " ".join(f'"word{n}" said' for n in range(MAX_PHRASES + 1))
    assert asked(text).phrases == ()


def test_a_short_text_is_one_piece_whatever_its_sentences() -> None:
    assert asked("A man sits. He plays.").pieces == ("A man sits. He plays.",)


def test_a_long_text_is_cut_into_its_sentences() -> None:
    sentences = [f"Sentence {n} " + "goes on " * 15 + "and ends." for n in range(6)]
    assert asked(" ".join(sentences)).pieces == tuple(sentences)
    japanese = "これは文です。" * 100
    assert 10 < len(asked(japanese).pieces) <= MAX_PIECES


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters='"“”'), max_size=300), max_size=120))
def test_nothing_of_a_long_text_is_lost_and_its_pieces_are_bounded(parts: list[str]) -> None:
    text = ". ".join(parts)[:10_000].strip() or "x"
    pieces = asked(text).pieces
    assert 1 <= len(pieces) <= MAX_PIECES
    assert words(" ".join(pieces)) == words(text)
    assert len(text) > WHOLE or pieces == (text,)
