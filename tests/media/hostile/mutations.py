"""Spoils files in the ways that fuzzers do, by seed."""

import random
from collections.abc import Callable, Sequence

_SIZES = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x00", b"\x00\x00\x00\x01")
_Change = Callable[[bytearray, random.Random, Sequence[bytes]], None]


def mutated(data: bytes, seed: str, others: Sequence[bytes]) -> tuple[str, bytes]:
    """The file with one to four changes of one kind, and the kind's name."""
    chance = random.Random(seed)
    name = chance.choice(list(_CHANGES))
    found = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if found:
            _CHANGES[name](found, chance, others)
    return name, bytes(found)


def _span(data: bytearray, chance: random.Random, most: int) -> slice:
    begin = chance.randrange(len(data))
    return slice(begin, min(len(data), begin + chance.randint(1, most)))


def _place(data: bytearray, chance: random.Random) -> int:
    """Half of the time near the front, where headers lie."""
    return chance.randrange(min(len(data), 512) if chance.random() < 0.5 else len(data))


def _bits(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    for _ in range(chance.randint(1, 16)):
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _noise(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    span = _span(data, chance, 64)
    data[span] = chance.randbytes(span.stop - span.start)


def _fill(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    span = _span(data, chance, 512)
    data[span] = bytes([chance.choice((0, 0x20, 0x7F, 0xFF))]) * (span.stop - span.start)


def _size(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    at = _place(data, chance)
    value = chance.choice(_SIZES)
    data[at : at + 4] = value if chance.random() < 0.5 else value[::-1]


def _drop(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    del data[_span(data, chance, 256)]


def _repeat(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    span = _span(data, chance, 1024)
    data[span.stop : span.stop] = data[span] * chance.randint(1, 8)


def _swap(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    a, b = _span(data, chance, 256), _span(data, chance, 256)
    data[a], data[b] = data[b], data[a]


def _cut(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    del data[max(1, chance.randrange(len(data))) :]


def _graft(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    other = bytearray(chance.choice(others))
    data[_place(data, chance) :] = other[chance.randrange(len(other)) :]


_CHANGES: dict[str, _Change] = {
    "bits turned": _bits,
    "noise": _noise,
    "filled": _fill,
    "a size changed": _size,
    "bytes dropped": _drop,
    "bytes repeated": _repeat,
    "parts exchanged": _swap,
    "cut off": _cut,
    "grafted": _graft,
}
