"""How surely shared words make a text an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.search.domain.lexical import scores

TEXTS = [{"the", "dog", "run"}, {"the", "cat", "run"}, {"the", "kayak"}, {"the", "man"}, set[str]()]


def test_nothing_shared_is_nothing_and_everything_shared_is_nearly_sure() -> None:
    dog, cat, *_, none = scores(["dog", "run"], TEXTS)
    assert dog > 0.95
    assert 0 < cat < dog
    assert none == 0


def test_a_rare_word_says_more_than_one_that_every_text_has() -> None:
    got = scores(["the", "kayak"], TEXTS)
    assert got[2] > 0.9 > 0.1 > got[0]


def test_all_words_say_the_same_however_many_texts_there_are() -> None:
    few = scores(["red", "kayak"], [{"red", "kayak"}, {"red"}])[0]
    many = scores(["red", "kayak"], [{"red", "kayak"}] + [{"red"}] * 50 + [{"blue"}] * 50)[0]
    assert few > 0.95
    assert many > 0.95


def test_half_of_many_words_say_more_than_one_of_two() -> None:
    half_of_eight = scores(list("abcdefgh"), [set("abcd"), set("efgh")])[0]
    one_of_two = scores(["a", "b"], [{"a"}, {"b"}])[0]
    assert half_of_eight > one_of_two


@pytest.mark.parametrize(("query", "texts"), [([], TEXTS), (["dog"], []), ([], [])])
def test_no_words_or_no_texts(query: list[str], texts: list[set[str]]) -> None:
    assert scores(query, texts) == [0.0] * len(texts)


words = st.sampled_from("abcdef")


@given(st.lists(words, max_size=6), st.lists(st.sets(words), max_size=12))
def test_scores_stay_in_bounds_and_rise_with_what_is_shared(query: list[str], texts: list[set[str]]) -> None:
    got = scores(query, texts)
    assert all(0 <= score <= 1 for score in got)
    for a, one in zip(texts, got, strict=True):
        for b, other in zip(texts, got, strict=True):
            if a & set(query) <= b & set(query):
                assert one <= other + 1e-12
