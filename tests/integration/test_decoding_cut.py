"""Ranges cut out of real films in the sandbox: every frame by the number painted in it, sound by its bursts."""

import gc
import itertools
import shutil
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from services.core import artifacts as keys
from services.core.errors import BadMedia, Cancelled, InvalidInput, NoVideoStream, StorageFull, VidxError
from services.core.jobs import no_progress
from services.core.names import VideoName
from services.core.times import MILLISECOND, SECOND, TimeRange
from services.decoding.domain.cutting import parts
from services.decoding.ports import Limits, Sampling
from services.decoding.pyav_cut import cut_film
from services.decoding.pyav_cut_file import LEAST_FREE, FilmFile
from services.decoding.reader import SandboxedReader, Timeouts
from services.decoding.service import Decoding, Shape
from services.runtime.sandbox import Sandbox
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from tests.media import broken
from tests.media.counters import Film, count, numbered, watch
from tests.media.films import clicks, film, sound_only, tone, two_scenes
from tests.media.pictures import corners

SOURCE = keys.source_key(VideoName("c", "v"))
TICK = SECOND // 720_000 + 1
"""Nanoseconds that a time in a cut may lie beside the exact one."""
NTSC = Fraction(24_000, 1001)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, 8 << 30, 1 << 30) as found:
        yield found


class Stage:
    """The stage on its real parts, over one film."""

    def __init__(
        self,
        objects: StoreSettings,
        tmp_path: Path,
        sandbox: Sandbox,
        cut_bytes: int = 1 << 30,
        limits: Limits | None = None,
    ) -> None:
        self.store = connect(objects)
        self.scratch = tmp_path / "scratch"
        self.scratch.mkdir()
        self.target = tmp_path / "cut.mp4"
        reader = SandboxedReader(
            sandbox, sandbox, limits or Limits(), Sampling(), Timeouts(), sandbox, cut_bytes=cut_bytes
        )
        self.service = Decoding(self.store, reader, Shape(), self.scratch)

    def give(self, path: Path) -> None:
        with path.open("rb") as file:
            self.store.objects.put(SOURCE, file)

    def cut(self, path: Path, *ranges: TimeRange, max_height: int = 0) -> Film:
        """What a film cut out of another shows; it fills its time, and its sound as well."""
        self.give(path)
        with self.service.cut(SOURCE, ranges, max_height, no_progress) as file:
            self.target.write_bytes(file.read())
        assert list(self.scratch.iterdir()) == []
        found, length = watch(self.target), sum(r.duration for r in ranges)
        assert found.frames[0][0] == 0
        assert abs(found.end - length) <= TICK
        if found.sound is not None:
            assert (found.rate, found.sound_start) == (48_000, 0)
            assert abs(found.sound.shape[1] * SECOND - length * 48_000) <= SECOND
        return found


@pytest.fixture
def stage(objects: StoreSettings, tmp_path: Path, sandbox: Sandbox) -> Stage:
    return Stage(objects, tmp_path, sandbox)


def expected(source: list[tuple[int, int]], *ranges: TimeRange) -> list[tuple[int, int]]:
    """(ns, number) of the frames that a cut must show."""
    found, at = [], 0
    for one in ranges:
        before = [frame for frame in source if frame[0] <= one.start] or source[:1]
        inside = [frame for frame in source if one.start < frame[0] < one.end]
        found += [(at, before[-1][1]), *((at + t - one.start, n) for t, n in inside)]
        at += one.duration
    return found


def same(found: list[tuple[int, int]], wanted: list[tuple[int, int]]) -> None:
    assert [n for _, n in found] == [n for _, n in wanted]
    assert all(abs(a - b) <= TICK for (a, _), (b, _) in zip(found, wanted, strict=True))


def bursts(found: Film) -> list[float]:
    """Seconds at which a burst begins, after 50 ms of silence or more."""
    assert found.sound is not None
    loud = np.flatnonzero(np.abs(found.sound[0]) > 0.2) / found.rate
    return [float(t) for before, t in itertools.pairwise([-1.0, *loud]) if t - before > 0.05]


def seconds(start: float, end: float) -> TimeRange:
    return TimeRange(round(start * SECOND), round(end * SECOND))


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("gop", [12, 10_000])
def test_frames_and_their_times_are_exact_at_every_join(stage: Stage, tmp_path: Path, suffix: str, gop: int) -> None:
    source = film(tmp_path / f"f.{suffix}", count(250), gop=gop, options={"bf": "2"})
    shown = watch(source).frames
    zero = shown[0][0]
    frames = [(t - zero, n) for t, n in shown]
    ranges = [seconds(0, 0.5), seconds(0.5, 0.7), seconds(2.001, 2.9), seconds(4.44, 4.48), seconds(9, 10)]
    same(stage.cut(source, *ranges).frames, expected(frames, *ranges))


def test_a_rate_that_no_whole_number_tells_stays_exact_over_many_joins(stage: Stage, tmp_path: Path) -> None:
    """Half of an NTSC film, a frame here and three there."""
    source = film(tmp_path / "f.mp4", count(480), rate=NTSC, sound=tone(20.1))
    frames = watch(source).frames
    ranges = [TimeRange(frames[i][0], frames[i + 1 + i // 4 % 2 * 2][0]) for i in range(0, 472, 4)]
    found = stage.cut(source, *ranges)
    assert len(ranges) == 118
    same(found.frames, expected(frames, *ranges))
    assert found.numbers == [n for i in range(0, 472, 4) for n in range(i, i + 1 + i // 4 % 2 * 2)]


def test_frames_at_uneven_times_keep_them(stage: Stage, tmp_path: Path) -> None:
    times = list(itertools.accumulate([0, 10, 30, 700, 5, 5, 2000, 40, 41, 3, 900, 33, 33, 34, 1200, 8]))
    source = film(tmp_path / "f.mkv", count(len(times)), times=times)
    frames = [(t * MILLISECOND, i) for i, t in enumerate(times)]
    ranges = [seconds(0.02, 0.76), seconds(1.5, 2.752), seconds(2.8, 5.002)]
    same(stage.cut(source, *ranges).frames, expected(frames, *ranges))


def test_times_count_from_where_the_film_begins(stage: Stage, tmp_path: Path) -> None:
    source = film(tmp_path / "f.ts", count(75), start=5000)
    assert stage.cut(source, seconds(0.4, 0.8), seconds(2, 2.8)).numbers == [*range(10, 20), *range(50, 70)]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "flv"])
def test_a_sound_is_heard_with_the_picture_that_it_was_heard_with(stage: Stage, tmp_path: Path, suffix: str) -> None:
    """At half a frame of pictures 12 and 62, wherever the container puts the beginning."""
    source = film(tmp_path / f"f.{suffix}", count(75), start=1000, sound=clicks(3, [0.5, 2.5]))
    found = stage.cut(source, seconds(0.44, 0.84), seconds(2.3, 2.8))
    shown = [next(time for time, number in found.frames if number == n) for n in (12, 62)]
    assert bursts(found) == pytest.approx([time / SECOND + 0.02 for time in shown], abs=0.012)


def test_sound_stays_with_the_picture_over_many_joins(stage: Stage, tmp_path: Path) -> None:
    """Every second holds a burst; a hundred ranges of odd lengths, each with its burst 70 ms after its start."""
    source = film(tmp_path / "f.mp4", count(2500), sound=clicks(100, [0.5 + i for i in range(100)]), gop=50)
    ranges = [TimeRange(i * SECOND + 430_000_000, i * SECOND + 700_000_001 + 997 * i) for i in range(100)]
    found = stage.cut(source, *ranges)
    starts = [sum(r.duration for r in ranges[:i]) / SECOND for i in range(100)]
    assert bursts(found) == pytest.approx([start + 0.07 for start in starts], abs=0.006)
    assert found.sound is not None
    assert found.sound.shape[0] == 1


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
def test_sound_that_is_not_there_is_silence(stage: Stage, tmp_path: Path, suffix: str) -> None:
    """It begins after a second, and ends two before the picture."""
    codec = "libvpx" if suffix == "webm" else "libx264"
    source = film(tmp_path / f"f.{suffix}", count(125), sound=tone(2), sound_start=1000, codec=codec)
    found = stage.cut(source, seconds(0.5, 1.5), seconds(2.5, 3.5), seconds(4, 5))
    assert found.sound is not None
    # The middle of each tenth of a second: the codec of the source itself is heard a little beyond its edges.
    level = np.abs(found.sound[0][: 3 * 48_000]).reshape(-1, 4800)[:, 1500:-1500].max(1)
    assert (level > 0.2).tolist() == [*[False] * 5, *[True] * 10, *[False] * 15]


def test_two_channels_stay_two_and_another_rate_becomes_48_000(stage: Stage, tmp_path: Path) -> None:
    source = tmp_path / "f.mkv"
    stereo(source, 44_100)
    found = stage.cut(source, seconds(0, 0.5), seconds(1.25, 2))
    assert found.sound is not None
    assert found.sound.shape == (2, 60_000)
    left, right = (np.abs(channel[4800:-4800]).max() for channel in found.sound)
    assert (left > 0.2, right < 0.05) == (True, True)


def test_more_channels_become_two(stage: Stage, tmp_path: Path) -> None:
    source = tmp_path / "f.mkv"
    stereo(source, 48_000, "5.1")
    found = stage.cut(source, seconds(0.5, 1))
    assert found.sound is not None
    assert found.sound.shape == (2, 24_000)
    assert np.abs(found.sound[0]).max() > 0.1


def test_few_frames_are_held_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the ranges are."""
    held = []
    show = FilmFile.show

    def counted(self: FilmFile, *arguments: Any) -> None:
        held.append(sum(isinstance(one, VideoFrame) for one in gc.get_objects()))
        show(self, *arguments)

    monkeypatch.setattr(FilmFile, "show", counted)
    source = film(tmp_path / "f.mp4", count(400))
    cut_film(source, Limits(), parts([seconds(0, 10), seconds(11, 16)]), 720, 1 << 30, tmp_path / "cut.mp4")
    assert len(held) == 375
    assert max(held) <= 60


def test_a_film_without_sound_has_none(stage: Stage, tmp_path: Path) -> None:
    assert stage.cut(film(tmp_path / "f.mp4", count(25)), seconds(0.2, 0.4)).sound is None


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_film_is_upright(stage: Stage, tmp_path: Path, rotation: int) -> None:
    upright = [np.rot90(numbered(i, 96, 128) if rotation != 180 else numbered(i), rotation // 90) for i in range(30)]
    source = film(tmp_path / "f.mp4", upright, rotation=rotation)
    found = stage.cut(source, seconds(0.2, 0.6), seconds(0.8, 1))
    assert found.numbers == [*range(5, 15), *range(20, 25)]
    assert found.size == ((128, 96) if rotation == 180 else (96, 128))


def test_pixels_become_square_and_sizes_even_and_no_larger_than_wanted(stage: Stage, tmp_path: Path) -> None:
    wide = film(tmp_path / "w.mkv", count(5, 100, 96), aspect=Fraction(3, 2))
    assert stage.cut(wide, seconds(0, 0.2)).size == (150, 96)
    odd = film(tmp_path / "o.mkv", count(5, 131, 97), codec="ffv1", pixel_format="bgr0")
    found = stage.cut(odd, seconds(0, 0.2))
    assert found.size in {(130, 96), (132, 98), (130, 98), (132, 96)}
    assert found.numbers == [0, 1, 2, 3, 4]
    tall = film(tmp_path / "t.mp4", count(2, 1280, 960))
    assert stage.cut(tall, seconds(0, 0.08)).size == (960, 720)
    assert stage.cut(tall, seconds(0, 0.08), max_height=180).size == (240, 180)
    assert stage.cut(tall, seconds(0, 0.08), max_height=2160).size == (1280, 960)


@pytest.mark.parametrize("colour", [(1, 1), (5, 2), (6, 1), None])
def test_colours_stay_what_they_are(stage: Stage, tmp_path: Path, colour: tuple[int, int] | None) -> None:
    source = film(tmp_path / "f.mp4", [corners()] * 5, colour=colour)
    stage.cut(source, seconds(0, 0.2))
    with av.open(str(stage.target)) as box:
        frame = next(box.decode(video=0))
        assert (frame.format.name, frame.colorspace, frame.color_range) == ("yuv420p", 1, 1)
        picture = frame.to_ndarray(format="rgb24").astype(int)
    for (y, x), wanted in zip(
        [(12, 16), (12, 48), (36, 16), (36, 48)],
        [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)],
        strict=True,
    ):
        assert np.abs(picture[y, x] - wanted).max() <= 24


def test_the_index_lies_in_front(stage: Stage, tmp_path: Path) -> None:
    stage.cut(film(tmp_path / "f.mp4", count(25), sound=tone(1)), seconds(0, 1))
    data = stage.target.read_bytes()
    assert data[4:8] == b"ftyp"
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_players_can_go_to_where_each_part_begins(stage: Stage, tmp_path: Path) -> None:
    stage.cut(film(tmp_path / "f.mp4", count(100)), seconds(0, 0.4), seconds(1, 1.4), seconds(2, 2.4))
    with av.open(str(stage.target)) as box:
        stream = box.streams.video[0]
        found = [p.pts * stream.time_base for p in box.demux(stream) if p.size and p.is_keyframe]
    assert {0, Fraction(2, 5), Fraction(4, 5)} <= set(found)


@pytest.mark.parametrize("sound", [True, False])
def test_ranges_beyond_the_film_are_refused(stage: Stage, tmp_path: Path, sound: bool) -> None:
    """Sound that goes on after the last picture is no part of it."""
    source = film(tmp_path / "f.mp4", count(25), sound=tone(3) if sound else None)
    assert stage.cut(source, seconds(0.96, 1)).numbers == [24]
    for wrong in ([seconds(0, 1), seconds(1, 1.04)], [seconds(0, 0.1), seconds(50, 51)], [TimeRange(0, SECOND + 1)]):
        with pytest.raises(InvalidInput) as caught:
            stage.cut(source, *wrong)
        assert list(caught.value.fields) == [f"ranges[{len(wrong) - 1}]"]


def test_a_film_whose_end_is_damaged_shows_its_last_picture(stage: Stage, tmp_path: Path) -> None:
    source = film(tmp_path / "f.mkv", count(100), gop=10, options={"bf": "0"})
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 2 // 3])
    end = watch(source).frames[-1]
    found = stage.cut(source, TimeRange(end[0] - 200 * MILLISECOND, end[0] + 10 * MILLISECOND))
    assert found.numbers[-1] == end[1]


@pytest.mark.parametrize("max_bytes", [10_000, 1 << 30])
def test_a_film_that_grows_too_large_is_refused(
    tmp_path: Path, objects: StoreSettings, sandbox: Sandbox, max_bytes: int
) -> None:
    """By the setting, and by what the child may write."""
    rng = np.random.default_rng(1)
    source = film(tmp_path / "f.mp4", (rng.integers(0, 256, (96, 128, 3), np.uint8) for _ in range(100)))
    if max_bytes == 10_000:
        with pytest.raises(InvalidInput, match="max_height"):
            Stage(objects, tmp_path, sandbox, max_bytes).cut(source, seconds(0, 4))
        return
    with Sandbox(1, 8 << 30, 100_000) as small, pytest.raises(StorageFull):
        Stage(objects, tmp_path, small, max_bytes).cut(source, seconds(0, 4))


def test_a_disk_that_is_nearly_full_is_left_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=LEAST_FREE - 1))
    source = film(tmp_path / "f.mp4", count(25))
    with pytest.raises(StorageFull, match="no room for temporary files"):
        cut_film(source, Limits(), parts([seconds(0, 1)]), 720, 1 << 30, tmp_path / "cut.mp4")


@pytest.mark.parametrize("kind", ["empty", "text", "sound", "hls", "concat"])
def test_what_is_no_film_is_refused_as_elsewhere(stage: Stage, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"{kind}.mp4"
    makers = {"empty": broken.empty, "text": broken.text, "sound": sound_only}
    if kind in makers:
        makers[kind](path)
    else:
        broken.playlist(path, kind, str(two_scenes(tmp_path / "inner.mp4")))
    with pytest.raises(NoVideoStream if kind == "sound" else BadMedia):
        stage.cut(path, seconds(0, 1))
    assert list(stage.scratch.iterdir()) == []


def test_a_child_ends_when_the_caller_goes(stage: Stage, tmp_path: Path) -> None:
    source = film(tmp_path / "f.mp4", count(1500))
    stage.give(source)
    began = time.monotonic()

    def gone(done: int, total: int) -> None:
        raise Cancelled("the caller has gone")

    with pytest.raises(VidxError, match="gone"), stage.service.cut(SOURCE, [seconds(0, 60)], 4320, gone):
        pass
    assert list(stage.scratch.iterdir()) == []
    assert stage.service.frame(SOURCE, 0)[1] == 0
    assert time.monotonic() - began < 120


def stereo(path: Path, rate: int, layout: str = "stereo") -> None:
    """Two seconds of a film with a tone on the left; of all channels, the first."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        audio = out.add_stream("flac", rate=rate, layout=layout, format="s16")
        for i, picture in enumerate(count(50)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        left = (np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate) * 10_000).astype(np.int16)
        samples = np.stack([left, *[np.zeros_like(left)] * (audio.channels - 1)], 1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        out.mux(audio.encode(frame))
        out.mux(audio.encode(None))
