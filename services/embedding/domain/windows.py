"""A long text as windows that fit the model: no token is left out."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

# A full stop, question or exclamation mark with what closes after it, and a blank; or one of those of scripts that
# put no blank; or the end of a line.
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[」』”’）]*\s*|\s*\n\s*")


@dataclass(frozen=True)
class Tokens:
    """A text as the tokenizer sees it, without the special tokens that begin and end a window."""

    ids: tuple[int, ...]
    ends: tuple[int, ...]
    """For each token, the position in the text after its last character; ascending."""


def windows(text: str, tokens: Tokens, room: int) -> list[tuple[int, ...]]:
    """The ids cut into windows of 1 to `room` tokens: in order, without gap or overlap.

    A window holds as many whole sentences as fit. A sentence that fits no window is cut into the fewest pieces of
    nearly equal length, so that no window is a stray word.
    """
    if room < 1:
        raise ValueError(f"a window has room for {room} tokens")
    cuts = [0]
    at = 0
    for end in _sentence_ends(text, tokens):
        if end - cuts[-1] > room:
            if at > cuts[-1]:
                cuts.append(at)
            pieces = -(-(end - at) // room)
            cuts.extend(at + (end - at) * piece // pieces for piece in range(1, pieces))
        at = end
    if at > cuts[-1]:
        cuts.append(at)
    return [tokens.ids[start:end] for start, end in pairwise(cuts)]


def _sentence_ends(text: str, tokens: Tokens) -> Iterator[int]:
    """How many tokens lie before the end of each sentence, ascending; the last is all of them."""
    last = 0
    for match in _SENTENCE_END.finditer(text):
        # A token belongs to the sentence in which it ends.
        end = bisect_left(tokens.ends, match.end() + 1)
        if last < end < len(tokens.ids):
            yield end
            last = end
    if tokens.ids:
        yield len(tokens.ids)
