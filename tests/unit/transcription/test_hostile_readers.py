"""Subtitle files that took for ever: marks that nothing closes are text, and cost no more than other text."""

import pytest

from services.transcription.readers import SubtitleReaders
from tests.media.hostile.texts import ASS, SRT


@pytest.mark.parametrize(("name", "form"), [("a.srt", SRT), ("a.ass", ASS)])
@pytest.mark.parametrize("text", ["a { b", "x {i} y { z", "{" * 300_000], ids=["one", "after one that closes", "many"])
def test_a_brace_that_does_not_close_is_text(name: str, form: str, text: str) -> None:
    found = SubtitleReaders().read(form.format(text).encode(), name).entries[0].text
    assert found == text.replace("{i}", "")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text", ["<a" * 200_000, "x" + "\n" * 300_000 + "y"], ids=["marks that do not close", "empty lines"]
)
def test_what_the_library_is_slow_at_is_read_at_once(text: str) -> None:
    found = SubtitleReaders().read(SRT.format(text).encode(), "a.srt").entries
    assert found[0].line == 2
    assert found[0].text.replace("\n", "") == text.replace("\n", "")
    assert found[1].text == "more"
