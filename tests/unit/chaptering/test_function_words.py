"""Lists of function words."""

import pytest

from services.chaptering.stopwordsiso import StopwordsIso


@pytest.mark.parametrize(("language", "word"), [("en", "the"), ("", "the"), ("en-GB", "the"), ("DE", "und")])
def test_a_language_has_its_words(language: str, word: str) -> None:
    assert word in StopwordsIso().of(language)


def test_a_language_that_is_not_known_has_none() -> None:
    assert not StopwordsIso().of("tlh")
