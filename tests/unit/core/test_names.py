"""Names and ids are checked at the edge."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core import names
from services.core.errors import InvalidInput
from services.core.names import CollectionName, VideoName

ids = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
BAD_IDS = ["", "A", "-a", "a" * 64, "a/b", "..", "a b", "a\n", 'a"', "ä", "a\0", "."]


@given(ids, ids)
def test_a_name_reads_back_as_it_was_written(collection: str, video: str) -> None:
    name = VideoName(collection, video)
    assert VideoName.parse(str(name)) == name
    assert CollectionName.parse(str(name.parent)) == name.parent


@pytest.mark.parametrize("bad", BAD_IDS)
def test_what_is_no_id_is_refused_with_the_field_and_the_rule(bad: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        VideoName.parse(f"collections/ok/videos/{bad}", "video.name")
    assert "video.name" in caught.value.fields


@given(st.text(max_size=200))
def test_any_text_is_a_name_or_refused_and_never_something_else(text: str) -> None:
    try:
        name = VideoName.parse(text)
    except InvalidInput:
        return
    assert str(name) == text


def test_new_ids_are_ids_and_do_not_repeat() -> None:
    made = {names.new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", i) for i in made)


@pytest.mark.parametrize(
    "labels", [{"": "x"}, {"A": "x"}, {"a b": "x"}, {"a" * 64: "x"}, {"k": "v" * 256}, {f"k{i}": "" for i in range(65)}]
)
def test_labels_out_of_bounds_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        names.check_labels(labels)


def test_label_values_may_hold_any_text() -> None:
    labels = {"site": 'Nürnberg "Süd" \\ \' \n'}
    assert names.check_labels(labels) == labels
