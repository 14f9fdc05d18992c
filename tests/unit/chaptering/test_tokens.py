"""Texts are put into questions of a bounded size."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from services.chaptering.domain.tokens import clipped, groups, tokens

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), max_size=30)


@given(texts, st.integers(1, 200))
def test_groups_are_all_texts_in_order_and_fit(given_: list[str], room: int) -> None:
    found = groups(given_, room)
    assert [i for group in found for i in group] == list(range(len(given_)))
    for group in found:
        assert len(group) == 1 or sum(tokens(given_[i]) for i in group) <= room


@given(texts, st.integers(40, 200))
def test_no_two_neighbouring_groups_would_fit_together(given_: list[str], room: int) -> None:
    found = groups(given_, room)
    for a, b in itertools.pairwise(found):
        assert sum(tokens(given_[i]) for i in (*a, b[0])) > room


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.integers(8, 100))
def test_a_clipped_text_fits_and_begins_like_the_text(text: str, room: int) -> None:
    kept = clipped(text, room)
    assert text.startswith(kept)
    assert tokens(kept) <= max(room, tokens(""))


def test_a_text_is_clipped_between_words() -> None:
    assert clipped("bees dance in the dark hive", 12) == "bees dance"
