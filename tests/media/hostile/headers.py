"""Headers that state what cannot be: counts, sizes, rates, time bases and times."""

import struct
from collections.abc import Iterator, Mapping

from tests.media.hostile.case import Case
from tests.media.hostile.cuts import boxes, elements

_HUGE, _NEGATIVE = 0xFFFFFFFF, 0x80000000
# Box, offset in its content, and what the four bytes there say.
_MP4 = {
    b"mvhd": {12: "time scale", 16: "duration", 20: "rate"},
    b"mdhd": {12: "time scale", 16: "duration"},
    b"tkhd": {12: "track id", 20: "duration", 76: "width", 80: "height"},
    b"elst": {4: "edits", 8: "edit's length", 12: "edit's begin", 16: "edit's rate"},
    b"stts": {4: "entries", 8: "sample count", 12: "sample length"},
    b"ctts": {4: "entries", 8: "sample count", 12: "sample offset"},
    b"stsz": {4: "sample size", 8: "sample count", 12: "first size"},
    b"stsc": {4: "entries", 8: "first chunk", 12: "samples a chunk", 16: "description"},
    b"stco": {4: "entries", 8: "chunk's place"},
    b"stss": {4: "entries", 8: "key frame"},
    b"stsd": {4: "entries", 8: "entry's size", 40: "width and height"},
}
_MATROSKA = {
    0x2AD7B1: "time scale", 0x4489: "duration", 0xB0: "width", 0xBA: "height", 0xE7: "cluster's time",
    0xD7: "track number", 0x23E383: "frame length", 0x54B0: "shown width", 0x9A: "interlacing", 0x83: "track kind",
    0x63A2: "codec's data", 0xA3: "block",
}  # fmt: skip


def cases(films: Mapping[str, bytes]) -> Iterator[Case]:
    for name in ("h264.mp4", "fragmented.mp4", "mpeg4.mov"):
        yield from _mp4(name, films[name])
    for name in ("h264.mkv", "vp9.webm"):
        yield from _matroska(name, films[name])
    yield from _avi(films["mjpeg.avi"])
    yield from _gif(films["picture.gif"])
    yield from _flv(films["flv1.flv"])
    yield from _ts(films["h264.ts"])


def _mp4(name: str, data: bytes) -> Iterator[Case]:
    values = (0, _HUGE, _NEGATIVE) if name == "h264.mp4" else (_HUGE,)
    seen: set[bytes] = set()
    for kind, begin, size in boxes(data):
        if kind not in _MP4 or kind in seen:
            continue
        seen.add(kind)
        for offset, what in _MP4[kind].items():
            if offset + 12 > size:
                continue
            for value in values:
                at = begin + 8 + offset
                bad = data[:at] + struct.pack(">I", value) + data[at + 4 :]
                yield Case(f"{name}: {what} of {kind.decode()} is {value:#x}", name, bad)


def _matroska(name: str, data: bytes) -> Iterator[Case]:
    seen: set[int] = set()
    for found, _, content, size in elements(data):
        if found not in _MATROSKA or found in seen or not size:
            continue
        seen.add(found)
        values = [("zero", bytes(size)), ("huge", b"\xff" * size)]
        if found == 0x4489:
            form = ">d" if size == 8 else ">f"
            values += [(str(v), struct.pack(form, v)) for v in (float("nan"), float("inf"), -1e30, 1e30)]
        for word, value in values:
            bad = data[:content] + value + data[content + size :]
            yield Case(f"{name}: {_MATROSKA[found]} is {word}", name, bad)


def _avi(data: bytes) -> Iterator[Case]:
    for chunk, fields in {
        b"avih": {8: "microseconds a frame", 24: "frames", 32: "streams", 40: "width", 44: "height"},
        b"strh": {28: "scale", 32: "rate", 36: "start", 40: "length", 52: "sample size"},
        b"strf": {8: "header size", 12: "width", 16: "height", 20: "planes and bits"},
    }.items():
        begin = data.index(chunk)
        for offset, what in fields.items():
            for value in (0, _HUGE, _NEGATIVE):
                at = begin + offset
                bad = data[:at] + struct.pack("<I", value) + data[at + 4 :]
                yield Case(f"mjpeg.avi: {what} of {chunk.decode()} is {value:#x}", "mjpeg.avi", bad)


def _gif(data: bytes) -> Iterator[Case]:
    for at, what in ((6, "width"), (8, "height")):
        for value in (0, 0xFFFF):
            bad = data[:at] + struct.pack("<H", value) + data[at + 2 :]
            yield Case(f"picture.gif: {what} is {value}", "picture.gif", bad)
    control = data.index(b"\x21\xf9\x04")
    for value in (0, 0xFFFF):
        bad = data[: control + 4] + struct.pack("<H", value) + data[control + 6 :]
        yield Case(f"picture.gif: frame length is {value}", "picture.gif", bad)


def _flv(data: bytes) -> Iterator[Case]:
    for key in (b"duration", b"width", b"height", b"framerate", b"videocodecid"):
        at = data.find(key)
        for value in (0.0, -1.0, float("nan"), float("inf"), 1e300):
            bad = data[: at + len(key) + 1] + struct.pack(">d", value) + data[at + len(key) + 9 :]
            if at > 0:
                yield Case(f"flv1.flv: {key.decode()} is {value}", "flv1.flv", bad)
    at = data.index(b"FLV") + 9 + 4
    for value in (0, 0xFFFFFF):
        yield Case(
            f"flv1.flv: first tag's size is {value}",
            "flv1.flv",
            data[: at + 1] + value.to_bytes(3, "big") + data[at + 4 :],
        )


def _ts(data: bytes) -> Iterator[Case]:
    """Times of a packetized stream, in the headers that begin 00 00 01 E0."""
    places = []
    at = data.find(b"\0\0\1\xe0")
    while at >= 0:
        places.append(at)
        at = data.find(b"\0\0\1\xe0", at + 4)
    for word, bits in (("zero", 0), ("the largest", (1 << 33) - 1), ("half of the largest", 1 << 32)):
        for which, chosen in (("the first", places[:1]), ("the last", places[-1:]), ("every second", places[::2])):
            bad = bytearray(data)
            for place in chosen:
                high, middle, low = bits >> 30, bits >> 15 & 0x7FFF, bits & 0x7FFF
                stamp = (
                    bytes([0x31 | high << 1]) + (middle << 1 | 1).to_bytes(2, "big") + (low << 1 | 1).to_bytes(2, "big")
                )
                bad[place + 9 : place + 14] = stamp
            yield Case(f"h264.ts: time of {which} picture is {word}", "h264.ts", bytes(bad))
