"""Decoding real files in the sandbox: what is found, what is written, at which times."""

import io
import itertools
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from services.core import artifacts as keys
from services.core.errors import InvalidInput
from services.core.jobs import Job, Outputs, no_progress
from services.core.media import Plan, SampledFrames, Shots, Transition
from services.core.names import VideoName
from services.core.times import MILLISECOND, SECOND, TimeRange, covers
from services.decoding.ports import Limits, Sampling
from services.decoding.reader import SandboxedReader, Timeouts
from services.decoding.service import Decoding, Shape
from services.runtime.artifacts import ArtifactStore
from services.runtime.sandbox import Sandbox
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from tests.media import films
from tests.media.broken import phone_matrix, timeless
from tests.media.films import Cue, clicks, film, stills, tone, two_scenes
from tests.media.pictures import corners, hold, mix, pan, plain, scene

VIDEO = VideoName("c", "v")
SOURCE = keys.source_key(VIDEO)
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, 8 << 30, 1 << 30) as found:
        yield found


NewStore = Callable[[], StoreSettings]


class Stage:
    """The stage on its real parts, over one film."""

    def __init__(self, objects: StoreSettings, sandbox: Sandbox, segment: int) -> None:
        self.store = connect(objects)
        reader = SandboxedReader(sandbox, sandbox, Limits(), Sampling(), Timeouts())
        self.service = Decoding(self.store, reader, Shape(segment * SECOND))

    def index(self, path: Path) -> "Indexed":
        with path.open("rb") as file:
            self.store.objects.put(SOURCE, file)
        planned = self.service.plan(Job(VIDEO, "decoding.plan", inputs={"source": (SOURCE,)}), no_progress)
        plan = planned.artifacts["plan"]
        inputs = {"source": (SOURCE,), "plan": (plan,)}
        parts = [
            self.service.segment(Job(VIDEO, "decoding.segment", i, inputs=inputs), no_progress)
            for i in range(planned.counts["segments"])
        ]
        joined = self.service.assemble(
            Job(
                VIDEO, "decoding.assemble", inputs={"plan": (plan,), "cuts": tuple(p.artifacts["cuts"] for p in parts)}
            ),
            no_progress,
        )
        return Indexed(self.store, planned, parts, joined)


class Indexed:
    """What was written for a film."""

    def __init__(self, store: ArtifactStore, planned: Outputs, parts: list[Outputs], joined: Outputs) -> None:
        self.store = store
        self.planned = planned
        self.parts = parts
        self.plan = store.load(planned.artifacts["plan"], Plan)
        self.probe = self.plan.probe
        self.shots = store.load(joined.artifacts["shots"], Shots).shots
        self.frames = [f for p in parts for f in store.load(p.artifacts["frames"], SampledFrames).frames]

    @property
    def cuts(self) -> list[int]:
        """Milliseconds at which shots begin, but the first."""
        return [round(s.range.start / MILLISECOND) for s in self.shots[1:]]

    def picture(self, part: int = 0, number: int = 0) -> Image.Image:
        frames = self.store.load(self.parts[part].artifacts["frames"], SampledFrames)
        with tarfile.open(fileobj=io.BytesIO(self.store.objects.get(frames.tar_key))) as tar:
            member = tar.extractfile(f"{frames.frames[number].pts}.jpg")
            assert member is not None
            return Image.open(io.BytesIO(member.read())).convert("RGB")

    def sound(self) -> np.ndarray:
        parts = []
        for part in self.parts:
            with av.open(io.BytesIO(self.store.objects.get(part.artifacts["audio"]))) as box:
                stream = box.streams.audio[0]
                assert (stream.rate, stream.channels) == (16000, 1)
                parts += [frame.to_ndarray()[0] for frame in box.decode(stream)]
        return np.concatenate(parts)

    def is_whole(self) -> None:
        whole = TimeRange(0, self.probe.duration)
        assert covers([s.range for s in self.plan.segments], whole)
        assert covers([s.range for s in self.shots], whole)
        assert covers([f.range for f in self.frames], whole)
        for shot in self.shots:
            inside = [f for f in self.frames if f.range.overlaps(shot.range)]
            assert covers([f.range for f in inside], shot.range)
            assert shot.thumbnail is not None
            data = self.store.objects.read(shot.thumbnail.key, shot.thumbnail.offset, shot.thumbnail.size)
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                assert image.height <= 180
            assert shot.range.contains(shot.thumbnail.time)


@pytest.fixture
def stage(objects: StoreSettings, sandbox: Sandbox) -> Stage:
    return Stage(objects, sandbox, 300)


def quarters(image: Image.Image) -> list[str]:
    """Colours of the four corners, row by row."""
    w, h = image.size
    places = [(w // 4, h // 4), (3 * w // 4, h // 4), (w // 4, 3 * h // 4), (3 * w // 4, 3 * h // 4)]
    pixels = [np.array(image.getpixel(place), int) for place in places]
    return [min(COLOURS, key=lambda n: int(np.abs(np.array(COLOURS[n]) - p).sum())) for p in pixels]


def story(seconds: float = 12.0, rate: int = 25) -> list[np.ndarray]:
    """Three shots of a third each; the second begins by a cut, the third by a dissolve of half a second."""
    n = round(seconds * rate / 3)
    a, b, c = pan(1, n), list(pan(2, n)), list(pan(3, n))
    return [*a, *b[:-6], *mix(b[-7], c[6], 12), *c[6:]]


def test_a_film_is_taken_apart(stage: Stage, tmp_path: Path) -> None:
    found = stage.index(film(tmp_path / "f.mp4", story(), sound=tone(12)))
    found.is_whole()
    assert found.probe.duration == 12 * SECOND
    assert [s.transition for s in found.shots] == [Transition.NONE, Transition.CUT, Transition.GRADUAL]
    assert found.cuts[0] == 4000
    assert abs(found.cuts[1] - 8000) <= 80
    assert len(found.sound()) == 12 * 16000


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "avi", "flv", "webm"])
def test_segments_change_nothing(suffix: str, tmp_path: Path, sandbox: Sandbox, new_store: NewStore) -> None:
    codec = {"webm": "libvpx", "avi": "mpeg4"}.get(suffix, "libx264")
    options = {"webm": {"deadline": "realtime", "cpu-used": "8"}}.get(suffix)
    path = film(tmp_path / f"f.{suffix}", story(36), gop=30, codec=codec, options=options)
    one = Stage(new_store(), sandbox, 300).index(path)
    many = Stage(new_store(), sandbox, 4).index(path)
    assert len(many.parts) > 4
    assert [(s.range, s.transition) for s in many.shots] == [(s.range, s.transition) for s in one.shots]
    assert {f.pts for f in one.frames} <= {f.pts for f in many.frames}
    one.is_whole()
    many.is_whole()


def test_the_same_film_gives_the_same_bytes(tmp_path: Path, sandbox: Sandbox, new_store: NewStore) -> None:
    path = film(tmp_path / "f.mp4", story(6), sound=tone(6))
    a, b = (Stage(new_store(), sandbox, 300).index(path) for _ in "ab")
    assert a.parts == b.parts
    for key in a.parts[0].artifacts.values():
        assert a.store.objects.get(key) == b.store.objects.get(key)


def test_sound_lies_at_its_time_in_every_segment(tmp_path: Path, sandbox: Sandbox, new_store: NewStore) -> None:
    at = [0.5, 3.25, 7.0, 10.125]
    path = film(tmp_path / "f.mp4", story(), gop=25, sound=clicks(12, at))
    one, many = (Stage(new_store(), sandbox, n).index(path).sound() for n in (300, 3))
    assert len(one) == len(many) == 12 * 16000
    assert np.abs(one.astype(int) - many).max() < 200
    for second in at:
        loud = np.flatnonzero(np.abs(one[round((second - 0.2) * 16000) :]) > 5000)[0] / 16000 - 0.2
        assert abs(loud) < 0.004


def test_silence_stands_where_there_is_no_sound(stage: Stage, tmp_path: Path) -> None:
    path = film(tmp_path / "f.mkv", story(), sound=tone(3), sound_start=4000)
    sound = np.abs(stage.index(path).sound().astype(int))
    assert len(sound) == 12 * 16000
    assert sound[: 16000 * 39 // 10].max() < 50
    assert sound[16000 * 45 // 10 : 16000 * 65 // 10].max() > 5000
    assert sound[16000 * 73 // 10 :].max() < 50


def test_text_subtitles_become_webvtt(stage: Stage, tmp_path: Path) -> None:
    cues = [Cue(500, 1500, "Hello <i>you</i> & me"), Cue(1600, 1900, "- two\n- lines")]
    for suffix in ("mp4", "mkv"):
        found = stage.index(two_scenes(tmp_path / f"f.{suffix}", cues=cues, language="deu"))
        with zipfile.ZipFile(io.BytesIO(stage.store.objects.get(found.planned.artifacts["subtitles"]))) as archive:
            assert archive.namelist() == ["1.deu.vtt"]
            text = archive.read("1.deu.vtt").decode()
        assert text == (
            "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nHello you &amp; me\n\n"
            "00:00:01.600 --> 00:00:01.900\n- two\n- lines\n\n"
        )
        stage.store.objects.delete([SOURCE, *found.planned.artifacts.values()])


@pytest.mark.parametrize(
    ("turn", "want"),
    [
        (0, ["red", "green", "blue", "white"]),
        (90, ["blue", "red", "white", "green"]),
        (180, ["white", "blue", "green", "red"]),
        (270, ["green", "white", "red", "blue"]),
    ],
)
def test_pictures_are_turned_as_players_turn_them(stage: Stage, tmp_path: Path, turn: int, want: list[str]) -> None:
    found = stage.index(film(tmp_path / "f.mp4", hold(corners(), 5), rotation=turn))
    assert found.probe.video.rotation == turn
    size = (64, 48) if turn in (0, 180) else (48, 64)
    assert (found.probe.video.width, found.probe.video.height) == size
    for image in (found.picture(), Image.open(io.BytesIO(stage.service.frame(SOURCE, 0)[0]))):
        assert image.size == size
        assert quarters(image) == want


def test_a_phone_held_upright_is_turned_a_quarter_clockwise(stage: Stage, tmp_path: Path) -> None:
    found = stage.index(phone_matrix(film(tmp_path / "f.mp4", hold(corners(), 5))))
    assert found.probe.video.rotation == 90
    assert quarters(found.picture()) == ["blue", "red", "white", "green"]


def test_pixels_become_square(stage: Stage, tmp_path: Path) -> None:
    found = stage.index(film(tmp_path / "f.mp4", hold(corners(), 5), aspect=Fraction(4, 3), rotation=90))
    assert (found.probe.video.width, found.probe.video.height) == (48, 85)
    assert found.probe.video.sample_aspect_ratio == Fraction(4, 3)
    assert found.picture().size == (48, 85)


@pytest.mark.parametrize("colour", [(1, 1), (1, 2), (5, 1), (5, 2)], ids=["709", "709 full", "601", "601 full"])
def test_colours_are_those_that_were_filmed(stage: Stage, tmp_path: Path, colour: tuple[int, int]) -> None:
    want = np.array([200, 60, 30])
    picture = np.broadcast_to(want.astype(np.uint8), (48, 64, 3)).copy()
    found = stage.index(film(tmp_path / "f.mp4", hold(picture, 3), colour=colour))
    assert found.probe.video.color_range == ("tv", "pc")[colour[1] - 1]
    assert np.abs(np.array(found.picture().getpixel((32, 24)), int) - want).max() <= 4


def test_a_picture_is_made_smaller_only(stage: Stage, tmp_path: Path) -> None:
    found = stage.index(film(tmp_path / "f.mp4", hold(scene(1, 1280, 720), 3)))
    assert found.picture().size == (597, 336)


def test_variable_frame_rate_keeps_its_times(stage: Stage, tmp_path: Path) -> None:
    times = [0, 40, 80, 500, 520, 1900, 1940, 2600, 3000, 3333, 4100, 4140]
    found = stage.index(film(tmp_path / "f.mkv", itertools.chain(hold(scene(1), 7), hold(scene(2), 5)), times=times))
    assert found.probe.video.variable_frame_rate
    assert found.cuts == [2600]
    assert {f.time // MILLISECOND for f in found.frames} <= set(times)
    found.is_whole()


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
def test_time_begins_where_players_begin(stage: Stage, tmp_path: Path, suffix: str) -> None:
    found = stage.index(two_scenes(tmp_path / f"f.{suffix}", start=5000))
    assert abs(found.probe.start - 5 * SECOND) < SECOND
    assert found.probe.duration == 2 * SECOND
    assert found.cuts == [1000]
    assert found.frames[0].time == 0


def test_frames_that_an_edit_list_hides_are_not_seen(stage: Stage, tmp_path: Path) -> None:
    pictures = itertools.chain(hold(plain(200), 10), pan(1, 50))
    found = stage.index(
        film(tmp_path / "f.mp4", pictures, start=-400, container_options={"avoid_negative_ts": "disabled"})
    )
    assert found.probe.duration == 2 * SECOND
    assert found.probe.video.frame_count == 50
    assert found.cuts == []


def test_a_video_that_begins_after_its_sound(stage: Stage, tmp_path: Path) -> None:
    times = [400 + 40 * i for i in range(50)]
    found = stage.index(film(tmp_path / "f.mkv", pan(1, 50), times=times, sound=tone(2)))
    assert found.frames[0].time == 400 * MILLISECOND
    assert stage.service.frame(SOURCE, 0)[1] == 0
    found.is_whole()


def test_one_frame_is_a_video(stage: Stage, tmp_path: Path) -> None:
    for suffix in ("mp4", "mkv", "gif"):
        codec, form = ("gif", "rgb8") if suffix == "gif" else ("libx264", "yuv420p")
        found = stage.index(film(tmp_path / f"f.{suffix}", [corners()], codec=codec, pixel_format=form))
        assert 0 < found.probe.duration <= SECOND
        assert (len(found.shots), len(found.frames)) == (1, 1)
        found.is_whole()
        stage.store.objects.delete([o.key for o in stage.store.objects.walk("")])


def test_a_film_that_says_it_lasts_no_time_lasts_a_frame(stage: Stage, tmp_path: Path) -> None:
    found = stage.index(timeless(tmp_path / "f.mp4"))
    assert found.probe.duration == SECOND // 25
    assert (len(found.shots), len(found.frames)) == (1, 1)
    found.is_whole()


def test_one_pixel_is_a_picture(stage: Stage, tmp_path: Path) -> None:
    path = film(tmp_path / "f.mkv", hold(corners(2, 2)[:1, :1], 30), codec="ffv1", pixel_format="yuv444p")
    found = stage.index(path)
    assert found.picture().size == (1, 1)
    found.is_whole()


def test_ten_hours_of_stills(stage: Stage, tmp_path: Path) -> None:
    found = stage.index(stills(tmp_path / "f.mkv", 36_000))
    assert found.probe.duration > 35_000 * SECOND
    assert len(found.shots) == 60
    assert len(found.frames) == 60
    found.is_whole()


def test_a_short_shot_between_two_seconds_has_a_frame(stage: Stage, tmp_path: Path) -> None:
    found = stage.index(film(tmp_path / "f.mp4", itertools.chain(pan(1, 30), pan(2, 12), pan(3, 40))))
    assert found.cuts == [1200, 1680]
    assert [f.range for f in found.frames if 1200 <= f.time // MILLISECOND < 1680] == [found.shots[1].range]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_the_frame_shown_at_a_time(stage: Stage, tmp_path: Path, suffix: str) -> None:
    greys = [plain(20 + 4 * i, 64, 48) for i in range(50)]
    stage.index(film(tmp_path / f"f.{suffix}", greys, gop=12))
    for ms in (0, 39, 40, 41, 500, 519, 520, 1279, 1999):
        data, shown = stage.service.frame(SOURCE, ms * MILLISECOND)
        assert shown == ms // 40 * 40 * MILLISECOND
        level = np.asarray(Image.open(io.BytesIO(data))).mean()
        assert abs(level - (20 + 4 * (ms // 40))) <= 2


def test_a_frame_beyond_the_video_is_refused(stage: Stage, tmp_path: Path) -> None:
    duration = stage.index(two_scenes(tmp_path / "f.mp4")).probe.duration
    stage.service.frame(SOURCE, duration - 1)
    for time in (duration, duration + 3600 * SECOND):
        with pytest.raises(InvalidInput, match="beyond the video"):
            stage.service.frame(SOURCE, time)


def test_a_frame_is_made_as_small_as_asked(stage: Stage, tmp_path: Path) -> None:
    stage.index(film(tmp_path / "f.mp4", hold(scene(1, 640, 360), 3), rotation=90))
    for height, size in ((0, (360, 640)), (320, (180, 320)), (2000, (360, 640))):
        data, _ = stage.service.frame(SOURCE, 0, height)
        assert Image.open(io.BytesIO(data)).size == size


def test_probe_reads_no_picture_but_one(stage: Stage, tmp_path: Path) -> None:
    path = film(tmp_path / "f.mp4", story(3), sound=films.tone(3))
    stage.store.objects.put(SOURCE, path.read_bytes())
    probe = stage.service.probe(SOURCE)
    assert (probe.duration, probe.video.frame_count) == (3 * SECOND, 75)
    assert probe.video.average_frame_rate == 25
    assert [a.codec for a in probe.audio] == ["aac"]
