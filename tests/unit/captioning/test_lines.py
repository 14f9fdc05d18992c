"""Which lines of text are believed, and when two are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.captioning.domain.lines import believed, in_order, same
from services.core.text import Box, TextLine


def line(text: str, confidence: float = 0.95, left: float = 0.1, top: float = 0.1) -> TextLine:
    return TextLine(text, Box(left, top, left + 0.2, top + 0.05), confidence)


@pytest.mark.parametrize("text", ["Budget", "the end", "NATO", "2026", "Grüße", "会议", "E = mc2 energy"])
def test_words_are_believed(text: str) -> None:
    assert [found.text for found in believed([line(text)])] == [text]


@pytest.mark.parametrize("text", ["", "L", "8", "||", "~~~", "n", "xkcdfg", "?!.", "- -"])
def test_what_is_no_word_is_not(text: str) -> None:
    assert believed([line(text)]) == ()


def test_doubtful_words_are_not_believed() -> None:
    assert believed([line("Budget", 0.79)]) == ()


def test_a_short_line_counts_beside_a_word() -> None:
    found = believed([line("7", top=0.9), line("Budget")])
    assert [one.text for one in found] == ["Budget", "7"]


def test_lines_are_read_row_by_row() -> None:
    lines = [line("d", left=0.6, top=0.52), line("c", top=0.5), line("b", left=0.6, top=0.11), line("a", top=0.12)]
    assert [one.text for one in in_order(lines)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("a", "b"),
    [("Budget", "budget"), ("Hello, world", "Hello world"), ("the old harbour", "the old harbaur"),
     ("quarterly report", "quarterly rcport")],
)  # fmt: skip
def test_a_flickering_letter_is_the_same_text(a: str, b: str) -> None:
    assert same(a, b)
    assert same(b, a)


@pytest.mark.parametrize(
    ("a", "b"), [("Page 1", "Page 2"), ("10:31:07", "10:31:08"), ("cat", "car"), ("a long sentence", "another line")]
)
def test_figures_and_short_words_must_agree(a: str, b: str) -> None:
    assert not same(a, b)


@given(st.text(), st.text())
def test_sameness_is_symmetric_and_every_text_is_itself(a: str, b: str) -> None:
    assert same(a, a)
    assert same(a, b) == same(b, a)
