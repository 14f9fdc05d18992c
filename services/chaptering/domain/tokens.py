"""How much text a language model can be asked about at once."""

from collections.abc import Sequence

BYTES = 3
"""Of UTF-8 that are counted as a token. English has four to five a token, Chinese and Thai three and less than that in
old vocabularies: tokens are counted without any model's own tokenizer, so rather too many than too few."""
EACH = 8
"""Tokens around a text: its number, quotes and a comma."""


def tokens(text: str) -> int:
    """About how many tokens a text costs, with what stands around it."""
    return len(text.encode("utf-8", "replace")) // BYTES + EACH


def clipped(text: str, room: int) -> str:
    """The text without what goes beyond so many tokens, at a word's end if it has any."""
    if tokens(text) <= room:
        return text
    kept = text.encode("utf-8", "replace")[: max(0, room - EACH) * BYTES].decode("utf-8", "ignore")
    return kept.rpartition(" ")[0] or kept


def groups(texts: Sequence[str], room: int) -> list[range]:
    """Places of neighbours that fit into so many tokens together; a text that does not fit alone is a group."""
    found, start, used = [], 0, 0
    for i, text in enumerate(texts):
        size = tokens(text)
        if i > start and used + size > room:
            found.append(range(start, i))
            start, used = i, 0
        used += size
    return [*found, range(start, len(texts))] if texts else []
