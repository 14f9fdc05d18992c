"""Words of a text as search compares them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.search.domain.words import MAX_TERMS_BYTES, holds, terms, units, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't STOP -- São_Paulo!", ["dont", "stop", "sao", "paulo"]),
        ("Straße, ＦＵＬＬ ﬁne", ["strasse", "full", "fine"]),
        ("3.5 km", ["3", "5", "km"]),
        ("東京 tower塔", ["東", "京", "tower", "塔"]),
        ("!? 😀 \u200b \"\"", []),
        ("한국어 번역", ["한국어", "번역"]),
        ("नमस्ते दुनिया।", ["नमस्ते", "दुनिया"]),
        ("שָׁלוֹם مَرْحَبًا", ["שלום", "مرحبا"]),
    ],
)  # fmt: skip
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_units_are_stems_and_pairs_of_letters_without_spaces() -> None:
    assert units("The Dogs are running") == ["the", "dog", "are", "run"]
    assert units("東京タワー 駅") == ["東京", "京タ", "タワ", "ワー", "駅"]


def test_terms_find_a_word_that_the_text_writes_as_two() -> None:
    assert set(units("takeout")) <= set(terms("a person eats take out").split())


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("ice picks", True), ("ICE-picks", True), ("picks ice", False), ("ice scale", False), ("e pick", False),
        ("scale ice and then", True), ("and then", False), ("crème brûlée", True), ("ice", True),
    ],
)  # fmt: skip
def test_a_phrase_stands_in_a_text_word_by_word_and_may_go_on_in_the_next(phrase: str, expected: bool) -> None:
    text = "Creme Brulee! Ice picks, to scale ice"
    assert holds(text, "and then he fell", words(phrase)) is expected


@given(st.text(max_size=200), st.text(max_size=50))
def test_any_text_has_terms_that_an_analyzer_leaves_whole(text: str, after: str) -> None:
    for term in terms(text, after).split(" "):
        assert term == "" or term.isprintable()
        assert not set(term) & set("\"'\\ \n")


@settings(deadline=None)
@given(st.sampled_from(["word ", "東京", "ü ", "a-b ", "नमस्ते "]), st.integers(1, 9_000))
def test_terms_fit_into_a_field_and_end_with_a_whole_term(part: str, times: int) -> None:
    got = terms(part * times)
    assert len(got.encode()) <= MAX_TERMS_BYTES
    assert set(got.split(" ")) <= set(terms(part * min(times, 20)).split(" ")) | {""}


@given(st.lists(st.sampled_from(["red", "car", "in", "snow"]), min_size=1, max_size=8), st.data())
def test_every_stretch_of_a_text_is_a_phrase_of_it(text: list[str], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    assert holds(" ".join(text), "", text[start:end])
