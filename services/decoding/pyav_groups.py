"""Packets by groups of pictures: a keyframe and what comes before the next, with PyAV."""

from collections.abc import Iterator
from dataclasses import dataclass

from av.video.stream import VideoStream

from services.decoding.domain.groups import Packed
from services.decoding.pyav_open import AnyPacket

MOST_PACKETS = 600
MOST_BYTES = 48 << 20

_START_CODE = b"\x00\x00\x01"
_H264_SLICES, _H264_IDR = range(1, 6), 5
_HEVC_SLICES, _HEVC_RANDOM_ACCESS = range(32), range(16, 22)


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
    if codec in ("vp8", "vp9", "av1"):
        return True
    header = bytes(stream.codec_context.extradata or b"")
    if codec == "h264":
        return next((kind == _H264_IDR for kind in _units(packet, header, 4, 0, 31) if kind in _H264_SLICES), False)
    if codec == "hevc":
        kinds = _units(packet, header, 21, 1, 63)
        return next((kind in _HEVC_RANDOM_ACCESS for kind in kinds if kind in _HEVC_SLICES), False)
    return False


def _group(packets: list[AnyPacket], whole: bool) -> Group:
    times = {packet.pts for packet in packets}
    return Group(packets, whole and None not in times and len(times) == len(packets))


def _units(packet: AnyPacket, header: bytes, place: int, shift: int, mask: int) -> Iterator[int]:
    """Types of the NAL units in a packet: each after its length, which `header` tells the size of, or a start code."""
    data = memoryview(packet)
    if header[:1] == b"\x01" and len(header) > place:
        width, at = (header[place] & 3) + 1, 0
        while at + width < len(data):
            yield data[at + width] >> shift & mask
            at += width + int.from_bytes(data[at : at + width], "big")
        return
    text = bytes(data)
    at = text.find(_START_CODE)
    while 0 <= at < len(text) - 3:
        yield text[at + 3] >> shift & mask
        at = text.find(_START_CODE, at + 3)
