"""Files cut off where a part of them begins: an MP4's box, a Matroska element, a packet of a transport stream."""

from collections.abc import Iterator, Mapping

from tests.media.hostile.case import Case

BOXES = {
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"udta", b"moof", b"traf", b"mvex", b"mfra",
}  # fmt: skip
MASTERS = {0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675, 0x1C53BB6B, 0xBB, 0x114D9B74, 0x4DBB}
"""Segment, Info, Tracks, TrackEntry, Video, Cluster, Cues, CuePoint, SeekHead, Seek."""
PACKET = 188
MOST = 24
"""Cuts of one file, evenly chosen."""


def cases(films: Mapping[str, bytes]) -> Iterator[Case]:
    for name, data in films.items():
        places = list(_places(name, data))
        step = max(1, len(places) // MOST)
        for at in places[::step][:MOST]:
            yield Case(f"{name}: cut off at byte {at}, where a part begins", name, data[:at])
            if at + 5 < len(data):
                yield Case(f"{name}: cut off at byte {at + 5}, in a part's head", name, data[: at + 5])


def boxes(data: bytes, begin: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Type, place and size of an MP4's boxes, with those inside others."""
    end = len(data) if end is None else end
    while begin + 8 <= end:
        size, kind = int.from_bytes(data[begin : begin + 4], "big"), data[begin + 4 : begin + 8]
        size = size if size >= 8 else end - begin
        yield kind, begin, size
        if kind in BOXES:
            yield from boxes(data, begin + 8, min(end, begin + size))
        begin += size


def elements(data: bytes, begin: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """Id, place, place of the content, and size of the content of Matroska's elements, with those inside others."""
    end = len(data) if end is None else end
    while begin < end:
        id_length = 9 - data[begin].bit_length()
        at = begin + id_length
        if id_length > 4 or at >= end:
            return
        size_length = 9 - data[at].bit_length()
        if size_length > 8:
            return
        size = int.from_bytes(data[at : at + size_length], "big") & ((1 << 7 * size_length) - 1)
        content = at + size_length
        if size == (1 << 7 * size_length) - 1:
            size = end - content
        found = int.from_bytes(data[begin:at], "big")
        yield found, begin, content, size
        if found in MASTERS:
            yield from elements(data, content, min(end, content + size))
        begin = content + size


def _places(name: str, data: bytes) -> Iterator[int]:
    suffix = name.rsplit(".", 1)[-1]
    if suffix in ("mp4", "mov", "m4a"):
        yield from (begin for _, begin, _ in boxes(data))
    elif suffix in ("mkv", "webm"):
        yield from (begin for _, begin, _, _ in elements(data))
    elif suffix == "ts":
        yield from range(0, len(data), PACKET)
