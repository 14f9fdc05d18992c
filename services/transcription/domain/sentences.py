"""Sentences of a track, with the times of the words or cues that they are made of."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.core.text import Cue, Sentence
from services.core.times import MILLISECOND, SECOND, TimeRange
from services.transcription.domain.words import located

Splitter = Callable[[str], Sequence[int]]
"""Ends of the sentences of a text, as offsets that rise; the last is the text's length."""

PAUSE = 700 * MILLISECOND
"""Without punctuation, a sentence ends here."""
LONG_PAUSE = SECOND
"""With punctuation, no sentence goes on over so long a pause: a full stop left out before one is more common than a
speaker who halts for one, and two sentences in one are found at neither's time."""
TOUCH = 100 * MILLISECOND
"""Cues that are no further apart follow each other at once."""
LONGEST = 400
"""Characters; longer ones are cut at their longest pause."""
PUNCTUATED = 60
"""Words a mark that ends a sentence, at most, in a text that has punctuation."""
_MARKS = frozenset(".!?…。！？؟।॥։።")


@dataclass(frozen=True)
class _Piece:
    """A word or a cue within the text of a block: characters [begin, end)."""

    begin: int
    end: int
    range: TimeRange
    confidence: float
    dash: bool = False
    """The first of a line that another speaker says."""


def sentences(cues: Iterable[Cue], split: Splitter) -> tuple[Sentence, ...]:
    """The cues' text as sentences in order of time.

    A sentence lasts from the start of its first word or cue to the end of its last. One that begins or ends inside a
    cue without timed words lies there by its share of the cue's characters, which is a guess. The confidence is the
    least of the cues'.
    """
    ordered = sorted(_without_echo(cues), key=lambda cue: (cue.range.start, cue.range.end))
    marked = _punctuated(ordered)
    found = []
    for block in _blocks(ordered, LONG_PAUSE if marked else PAUSE):
        text, pieces = _laid(block)
        ends = _ends(text, pieces, split) if marked else [len(text)]
        begin = 0
        for end in ends:
            found += [_sentence(text, pieces, *part) for part in _short(text, pieces, begin, end)]
            begin = end
    return tuple(sorted((s for s in found if s.text), key=lambda s: (s.range.start, s.range.end)))


def _punctuated(cues: Sequence[Cue]) -> bool:
    words = marks = 0
    for cue in cues:
        for word in cue.text.split():
            words += 1
            marks += any(character in _MARKS for character in word[-2:])
    return marks * PUNCTUATED >= words


def _without_echo(cues: Iterable[Cue]) -> Iterator[Cue]:
    """Cues without the lines that roll on from the cue before, as in captions that scroll."""
    before: Cue | None = None
    for cue in cues:
        lines = [line.strip() for line in cue.text.split("\n") if line.strip()]
        kept = lines
        if before is not None and cue.range.start <= before.range.end + TOUCH:
            held = [line.strip() for line in before.text.split("\n") if line.strip()]
            for count in range(min(len(held), len(lines)), 0, -1):
                if held[-count:] == lines[:count] and (count < len(lines) or cue.range.duration < PAUSE):
                    kept = lines[count:]
                    break
        before = cue
        if kept:
            yield Cue(cue.range, "\n".join(kept), cue.confidence, cue.words if kept == lines else ())


def _blocks(cues: Sequence[Cue], pause: int) -> Iterator[list[Cue]]:
    """Cues that follow each other without a pause."""
    block: list[Cue] = []
    end = 0
    for cue in cues:
        if block and cue.range.start - end >= pause:
            yield block
            block, end = [], 0
        block.append(cue)
        end = max(end, cue.range.end)
    if block:
        yield block


def _laid(block: Sequence[Cue]) -> tuple[str, list[_Piece]]:
    """The block's text on one line, and the pieces that it is made of."""
    text, pieces = "", []
    for cue in block:
        whole = " ".join(cue.text.split())
        words = located(whole, cue.words) if cue.words else None
        if words:
            for i, (begin, word) in enumerate(words):
                end = len(text) + begin + len(word.text.strip())
                pieces.append(_Piece(len(text) + (begin if i else 0), end, word.range, cue.confidence))
            text += whole + " "
        else:
            lines = cue.text.split("\n")
            speakers = sum(line.lstrip().startswith(("-", "–", "—")) for line in lines)
            for line in _lines(cue, lines) if speakers > 1 else [(whole, cue.range, False)]:
                said, range_, dash = line
                pieces.append(_Piece(len(text), len(text) + len(said), range_, cue.confidence, dash))
                text += said + " "
    return text.rstrip(), pieces


def _lines(cue: Cue, lines: Sequence[str]) -> Iterator[tuple[str, TimeRange, bool]]:
    """The lines of a cue in which two people speak; each line lasts as long as the cue."""
    for line in lines:
        said = " ".join(line.split())
        if said:
            dash = said.startswith(("-", "–", "—"))
            yield said.lstrip("-–— ") or said, cue.range, dash


def _ends(text: str, pieces: Sequence[_Piece], split: Splitter) -> list[int]:
    """Ends of sentences within a block, where the splitter and changes of speaker put them."""
    ends: list[int] = []
    edges = [0, *(piece.begin for piece in pieces if piece.dash and piece.begin > 0), len(text)]
    for begin, end in pairwise(edges):
        ends += [begin + at for at in split(text[begin:end])]
    return ends


def _short(text: str, pieces: Sequence[_Piece], begin: int, end: int) -> list[tuple[int, int]]:
    """[begin, end) in parts of at most LONGEST characters, cut between pieces, at the longest pauses."""
    if end - begin <= LONGEST:
        return [(begin, end)]
    inside = [i for i in range(1, len(pieces)) if begin + LONGEST // 8 <= pieces[i].begin <= end - LONGEST // 8]
    if not inside:
        at = text.rfind(" ", begin + 1, begin + LONGEST) + 1
        at = at if at > begin + 1 else begin + LONGEST
        return [(begin, at), *_short(text, pieces, at, end)]
    middle = (begin + end) // 2
    best = max(
        inside,
        key=lambda i: (pieces[i].range.start - pieces[i - 1].range.end, -abs(pieces[i].begin - middle)),
    )
    at = pieces[best].begin
    return [*_short(text, pieces, begin, at), *_short(text, pieces, at, end)]


def _sentence(text: str, pieces: Sequence[_Piece], begin: int, end: int) -> Sentence:
    said = text[begin:end]
    begin += len(said) - len(said.lstrip())
    end = begin + len(said.strip())
    first = max(0, bisect_right(pieces, begin, key=lambda piece: piece.begin) - 1)
    last = max(first, bisect_right(pieces, end - 1, key=lambda piece: piece.begin) - 1)
    among = pieces[first : last + 1]
    start = _time(pieces[first], begin)
    stop = max([_time(pieces[last], end), *(piece.range.end for piece in among[:-1])])
    start = min(start, stop, *(piece.range.start for piece in among[1:])) if len(among) > 1 else min(start, stop)
    return Sentence(TimeRange(start, stop), said.strip(), min(piece.confidence for piece in among))


def _time(piece: _Piece, at: int) -> int:
    """When a character of a piece is said, by its share."""
    if at <= piece.begin:
        return piece.range.start
    if at >= piece.end:
        return piece.range.end
    return piece.range.start + piece.range.duration * (at - piece.begin) // (piece.end - piece.begin)
