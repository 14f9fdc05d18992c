"""Names and expressions for Milvus."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import Internal
from services.core.text import Track
from services.core.times import TimeRange
from services.search import milvus_expressions as mx
from services.search.domain.query import Scope
from services.search.domain.rows import FRAME
from services.search.milvus_space import collection_name, space_of


@given(st.text(max_size=20).filter(lambda s: s.isprintable()))
def test_a_space_s_name_becomes_a_collection_name_and_back(space: str) -> None:
    name = collection_name("vidx_visual_", space)
    assert re.fullmatch(r"[A-Za-z0-9_]+", name)
    assert space_of("vidx_visual_", name) == space


def test_a_name_that_milvus_would_refuse_is_refused() -> None:
    with pytest.raises(Internal):
        collection_name("vidx_visual_", "x" * 256)


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_no_text_of_a_person_gets_into_an_expression(key: str, value: str, label: str) -> None:
    scope = Scope("films", labels={key: value}, shot_labels=(label,))
    conditions = r'array_contains\(labels, "[0-9a-f]{32}"\) and array_contains\(shot_labels, "[0-9a-f]{32}"\)'
    pictures, texts = mx.pictures_in(scope, FRAME), mx.texts_in(scope, [Track.SPEECH])
    assert re.fullmatch(rf'collection == "films" and kind == "frame" and {conditions}', pictures)
    assert re.fullmatch(rf'collection == "films" and track in \["speech"\] and {conditions}', texts)


@pytest.mark.parametrize("bad", ['a"b', "a b", "", "a\n", "A", "é", "a" * 64, "a\\"])
def test_a_value_that_is_no_id_is_refused(bad: str) -> None:
    with pytest.raises(Internal):
        mx.pictures_in(Scope("films", videos=(bad,)), FRAME)


def test_every_condition_is_in_the_expression() -> None:
    scope = Scope("c", ("a", "b"), {}, 1, 2, 3, 4, TimeRange(5, 6))
    conditions = (
        'video in ["a", "b"] and added >= 1 and added < 2 and duration >= 3 and duration <= 4 and end > 5 and start < 6'
    )
    assert mx.pictures_in(scope, FRAME) == f'collection == "c" and kind == "frame" and {conditions}'
    tracks = [Track.ON_SCREEN_TEXT, Track.TITLE]
    assert mx.texts_in(scope, tracks) == f'collection == "c" and track in ["on_screen_text", "title"] and {conditions}'
