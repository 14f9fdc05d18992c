"""Packets by groups of pictures: a keyframe and what comes before the next, with PyAV."""

from collections.abc import Iterator
from dataclasses import dataclass

from av.video.stream import VideoStream

from services.decoding.domain.groups import Packed
from services.decoding.pyav_open import AnyPacket

MOST_PACKETS = 600
MOST_BYTES = 48 << 20

_START_CODE = b"\x00\x00\x01"


@dataclass(frozen=True)
class _NalUnits:
    """How a codec's packets are divided: where its header tells the size of lengths, and a unit its type."""

    place: int
    shift: int
    mask: int
    slices: range
    alone: range
    """Slices of pictures from which decoding can begin."""
    parameters: range
    """Units that say how to read what comes after them."""

    def types(self, packet: AnyPacket, stream: VideoStream) -> Iterator[int]:
        """Types of the units in a packet, each of which comes after its length or a start code."""
        data, header = memoryview(packet), bytes(stream.codec_context.extradata or b"")
        if header[:1] == b"\x01" and len(header) > self.place:
            width, at = (header[self.place] & 3) + 1, 0
            while at + width < len(data):
                yield data[at + width] >> self.shift & self.mask
                at += width + int.from_bytes(data[at : at + width], "big")
            return
        text = bytes(data)
        at = text.find(_START_CODE)
        while 0 <= at < len(text) - 3:
            yield text[at + 3] >> self.shift & self.mask
            at = text.find(_START_CODE, at + 3)


_NAL_UNITS = {
    "h264": _NalUnits(4, 0, 31, slices=range(1, 6), alone=range(5, 6), parameters=range(7, 9)),
    "hevc": _NalUnits(21, 1, 63, slices=range(32), alone=range(16, 22), parameters=range(32, 35)),
}


@dataclass(frozen=True)
class Group:
    """Packets in order of decoding; `whole` when they begin with a keyframe, end before the next and tell their PTS."""

    packets: list[AnyPacket]
    whole: bool

    @property
    def start(self) -> int:
        """PTS of the keyframe of a whole group."""
        return self.packets[0].pts or 0

    @property
    def packed(self) -> list[Packed]:
        """The packets of a whole group by PTS and size."""
        return [Packed(packet.pts or 0, packet.size) for packet in self.packets]

    @property
    def leading(self) -> list[Packed]:
        """Those whose pictures are shown before the keyframe."""
        return [packed for packed in self.packed[1:] if packed.pts < self.start]


def groups(packets: Iterator[AnyPacket]) -> Iterator[Group]:
    """All packets but empty ones; a group too large to be held comes in pieces that are not whole."""
    held: list[AnyPacket] = []
    size, begun = 0, False
    for packet in packets:
        if not packet.size:
            continue
        if held and (packet.is_keyframe or len(held) >= MOST_PACKETS or size >= MOST_BYTES):
            yield _group(held, begun and packet.is_keyframe)
            held, size = [], 0
        if not held:
            begun = packet.is_keyframe
        held.append(packet)
        size += packet.size
    if held:
        yield _group(held, begun)


def stands_alone(packet: AnyPacket, stream: VideoStream) -> bool:
    """True when a keyframe's decoding, and that of all shown after it, needs nothing that comes before it."""
    codec = stream.codec_context.codec.canonical_name
    units = _NAL_UNITS.get(codec)
    if units is None:
        return codec in ("vp8", "vp9", "av1")
    return next((kind in units.alone for kind in units.types(packet, stream) if kind in units.slices), False)


def describes(packet: AnyPacket, stream: VideoStream) -> bool:
    """True when a keyframe brings the stream's parameters along."""
    units = _NAL_UNITS.get(stream.codec_context.codec.canonical_name)
    return units is not None and any(kind in units.parameters for kind in units.types(packet, stream))


def _group(packets: list[AnyPacket], whole: bool) -> Group:
    times = {packet.pts for packet in packets}
    return Group(packets, whole and None not in times and len(times) == len(packets))
