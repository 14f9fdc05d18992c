"""Timed words within a text."""

from collections.abc import Sequence

from services.core.text import Word

_UNSPACED = ((0x0E00, 0x0EFF), (0x1780, 0x17FF), (0x2E80, 0x312F), (0x31A0, 0xA4CF), (0xF900, 0xFAFF), (0xFF66, 0xFF9D))
"""Thai, Lao, Khmer, Han and kana: scripts that put no space between words."""


def joined(words: Sequence[Word]) -> str:
    """The words as text: parted by spaces but where the script has none."""
    text = ""
    for word in words:
        part = word.text.strip()
        if text and part and not (_unspaced(text[-1]) and _unspaced(part[0])):
            text += " "
        text += part
    return text


def located(text: str, words: Sequence[Word]) -> list[tuple[int, Word]] | None:
    """Where each word begins in the text, in order, whatever its case; None when one is not there."""
    lower, at, found = text.lower(), 0, []
    if len(lower) != len(text):
        lower = text
    for word in words:
        part = word.text.strip()
        begin = lower.find(part.lower() if lower is not text else part, at)
        if begin < 0 or not part:
            return None
        found.append((begin, word))
        at = begin + len(part)
    return found


def _unspaced(character: str) -> bool:
    code = ord(character)
    return any(low <= code <= high for low, high in _UNSPACED)
