"""A page token is the server's own, or it is refused."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.artifacts import digest
from services.core.errors import InvalidInput
from services.gateway import pages

REQUEST = ["collections/c", ""]


def forged(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def test_a_token_gives_back_its_position() -> None:
    assert pages.position(pages.token([7, "v"], REQUEST), REQUEST, int, str) == [7, "v"]
    assert pages.position("", REQUEST, int, str) is None


@given(st.text(max_size=50) | st.recursive(st.integers() | st.text(), st.lists).map(forged))
def test_any_other_text_is_refused(text: str) -> None:
    if text:
        with pytest.raises(InvalidInput):
            pages.position(text, REQUEST, int, str)


@pytest.mark.parametrize("position", [[1], ["1", "v"], [1, 2], [-1, "v"], [1 << 63, "v"], [True, "v"], [1.5, "v"], {}])
def test_a_position_that_no_page_ends_at_is_refused(position: object) -> None:
    with pytest.raises(InvalidInput):
        pages.position(forged([digest(REQUEST), position]), REQUEST, int, str)


def test_a_token_without_end_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    for text in (deep, forged(5), "x" * 1_000_000):
        with pytest.raises(InvalidInput):
            pages.position(text, REQUEST, int, str)
