"""Names and expressions for Milvus."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import Internal
from services.core.times import TimeRange
from services.search import milvus_schema as ms
from services.search.domain.query import Scope


@given(st.text(max_size=20).filter(lambda s: s.isprintable()))
def test_a_space_s_name_becomes_a_collection_name_and_back(space: str) -> None:
    name = ms.collection_name("vidx_visual_", space)
    assert re.fullmatch(r"[A-Za-z0-9_]+", name)
    assert ms.space_of("vidx_visual_", name) == space


def test_a_name_that_milvus_would_refuse_is_refused() -> None:
    with pytest.raises(Internal):
        ms.collection_name("vidx_visual_", "x" * 256)


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_text_of_a_person_gets_into_an_expression(key: str, value: str) -> None:
    made = ms.frames_in(Scope("films", labels={key: value}))
    assert re.fullmatch(r'collection == "films" and kind == "frame" and array_contains\(labels, "[0-9a-f]{32}"\)', made)


@pytest.mark.parametrize("bad", ['a"b', "a b", "", "a\n", "A", "é", "a" * 64, "a\\"])
def test_a_value_that_is_no_id_is_refused(bad: str) -> None:
    with pytest.raises(Internal):
        ms.frames_in(Scope("films", videos=(bad,)))


def test_every_condition_is_in_the_expression() -> None:
    scope = Scope("c", ("a", "b"), {}, 1, 2, 3, 4, TimeRange(5, 6))
    assert ms.frames_in(scope) == (
        'collection == "c" and kind == "frame" and video in ["a", "b"] and added >= 1 and added < 2 '
        "and duration >= 3 and duration <= 4 and end > 5 and start < 6"
    )
