"""Groups decoded side by side give the frames that one decoder gives, in order, and stop when nobody takes them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path

import av
import pytest

from services.decoding import pyav_lanes
from services.decoding.domain.groups import Use
from services.decoding.ports import Limits
from services.decoding.pyav_frames import decoded
from services.decoding.pyav_groups import groups
from services.decoding.pyav_lanes import AHEAD, LANES, LEAST_WAITING, Lanes, Planned
from services.decoding.pyav_open import AnyPacket, Source, open_source
from tests.media.films import film
from tests.media.pictures import shake

RATE = 25
Opened = Callable[[Path], Callable[[], Source]]


@pytest.fixture
def opened() -> Iterator[Opened]:
    with ExitStack() as stack:
        yield lambda path: lambda: stack.enter_context(open_source(path, Limits()))


def planned(source: Source) -> Iterator[Planned]:
    for group, after in pairwise(chain(groups(source.container.demux(source.video)), [None])):
        if group is not None:
            yield Planned(group, [Use.WHOLE] * len(group.packets), after)


def shown(frames: Iterator[av.VideoFrame]) -> list[tuple[int | None, bytes]]:
    return [(frame.pts, frame.to_ndarray(format="gray").tobytes()) for frame in frames]


def straight(path: Path, opened: Opened) -> list[tuple[int | None, bytes]]:
    source = opened(path)()
    packets = [*source.container.demux(source.video)]
    return shown(frame for packet in packets for frame in decoded(source, packet))


def aside(path: Path, opened: Opened) -> list[tuple[int | None, bytes]]:
    with closing(Lanes(opened(path))) as lanes:
        return shown(lanes.frames(planned(opened(path)())))


def made(path: Path, codec: str = "libx264", **options: str) -> Path:
    return film(path, shake(5, 230, 192, 108), rate=RATE, gop=20, codec=codec, options={"preset": "veryfast"} | options)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("groups that stand alone.mp4", "libx264", {}),
        ("open groups.mkv", "libx264", {"x264-params": "open-gop=1:scenecut=0"}),
        ("transport stream.ts", "libx264", {}),
        ("MPEG-4.mp4", "mpeg4", {}),
        ("HEVC.mp4", "libx265", {"x265-params": "log-level=none:bframes=4"}),
    ],
)
def test_the_frames_are_those_of_one_decoder(
    name: str, codec: str, options: dict[str, str], tmp_path: Path, opened: Opened
) -> None:
    path = made(tmp_path / name, codec, **options)
    frames = straight(path, opened)
    assert len(frames) == 230
    assert aside(path, opened) == frames


@pytest.mark.parametrize(("every", "lanes"), [(True, LANES), (False, 1)])
def test_keyframes_that_do_not_describe_the_stream_as_the_first_does_are_left_to_its_decoder(
    every: bool, lanes: int, tmp_path: Path, opened: Opened
) -> None:
    path = tmp_path / "f.avi"
    with av.open(str(made(tmp_path / "whole.ts", bf="0"))) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        # This container takes packets as they are; others add what describes the stream to keyframes.
        out = target.add_stream_from_template(stream)
        for i, packet in enumerate(packet for packet in source.demux(stream) if packet.size):
            copy = av.Packet(bytes(packet) if i == 0 or every else without_parameters(bytes(packet)))
            copy.pts = copy.dts = i
            copy.time_base, copy.stream, copy.is_keyframe = Fraction(1, RATE), out, packet.is_keyframe
            target.mux(copy)
    sources: list[Source] = []

    def counted() -> Source:
        sources.append(opened(path)())
        return sources[-1]

    with closing(Lanes(counted)) as decoders:
        frames = shown(decoders.frames(planned(opened(path)())))
    assert len(frames) == 230
    assert frames == straight(path, opened)
    assert len(sources) == lanes


def without_parameters(packet: bytes) -> bytes:
    """An H.264 packet with start codes, without its parameter sets."""
    units = [unit for unit in packet.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
    return b"".join(b"\0\0\0\1" + unit for unit in units if unit[0] & 31 not in (7, 8))


def test_no_more_groups_are_asked_for_than_are_under_way(tmp_path: Path, opened: Opened) -> None:
    path = made(tmp_path / "f.mp4")
    asked: list[Planned] = []

    def watched() -> Iterator[Planned]:
        for group in planned(opened(path)()):
            asked.append(group)
            yield group

    with closing(Lanes(opened(path))) as lanes:
        for count, _ in enumerate(lanes.frames(watched())):
            assert len(asked) <= count // 20 + AHEAD


def test_frames_that_nobody_takes_do_not_pile_up(
    tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyav_lanes, "MOST_BYTES", 1)
    path = made(tmp_path / "f.mp4")
    given: list[int | None] = []

    def counted(source: Source, packet: AnyPacket | None) -> list[av.VideoFrame]:
        found = decoded(source, packet)
        given.extend(frame.pts for frame in found)
        return found

    monkeypatch.setattr(pyav_lanes, "decoded", counted)
    with closing(Lanes(opened(path))) as lanes:
        frames = lanes.frames(planned(opened(path)()))
        next(frames)
        # Time enough to decode all three groups under way, 60 frames, if nothing held the lanes back.
        time.sleep(1)
        # One is taken; each lane has as many as may wait, one in its hand, and what the decoder gave with it.
        assert len(given) <= 1 + LANES * (LEAST_WAITING + 8)
        assert len(list(frames)) == 229
    assert len(given) == 230


def test_a_pass_that_is_given_up_ends_its_threads(tmp_path: Path, opened: Opened) -> None:
    path = made(tmp_path / "f.mp4")
    before = threading.active_count()
    with closing(Lanes(opened(path))) as lanes:
        frames = lanes.frames(planned(opened(path)()))
        assert next(frames).pts is not None
    assert threading.active_count() == before


def test_what_fails_in_a_lane_is_raised_where_its_frames_are_taken(
    tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Source, packet: object) -> list[av.VideoFrame]:
        raise MemoryError

    monkeypatch.setattr(pyav_lanes, "decoded", full)
    path = made(tmp_path / "f.mp4")
    with closing(Lanes(opened(path))) as lanes, pytest.raises(MemoryError):
        list(lanes.frames(planned(opened(path)())))
