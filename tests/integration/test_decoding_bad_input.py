"""Files that are no good video: each a clear error, no dead worker, nothing read that must not be."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.core.errors import BadMedia, MediaLimit, NotFound, NoVideoStream, StorageFull, VidxError
from services.core.jobs import no_progress
from services.core.media import Plan
from services.core.times import SECOND, TimeRange
from services.decoding.domain.segments import plan_segments
from services.decoding.ports import Limits, Sampling
from services.decoding.reader import SandboxedReader, Timeouts
from services.runtime.sandbox import Sandbox
from tests.media import broken
from tests.media.films import film, sound_only, tone, two_scenes
from tests.media.pictures import corners, hold, pan, plain


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, 8 << 30, 1 << 30) as found:
        yield found


@pytest.fixture
def reader(sandbox: Sandbox) -> SandboxedReader:
    return limited(sandbox)


def limited(sandbox: Sandbox, limits: Limits | None = None) -> SandboxedReader:
    return SandboxedReader(sandbox, sandbox, limits or Limits(), Sampling(), Timeouts())


def refused(reader: SandboxedReader, path: Path, folder: Path) -> VidxError:
    """The one error that every way into the file gives."""
    errors = []
    for way in (
        lambda: reader.probe(path),
        lambda: reader.inspect(path, folder),
        lambda: reader.frame(path, 0, 0),
    ):
        with pytest.raises(VidxError) as caught:
            way()
        errors.append(caught.value)
    assert len({type(e) for e in errors}) == 1
    assert not errors[0].retryable
    assert list(folder.iterdir()) == []
    return errors[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "scratch"
    found.mkdir()
    return found


CASES: list[tuple[str, Callable[[Path], Path], type[VidxError], str]] = [
    ("empty file", lambda d: broken.empty(d / "a.mp4"), BadMedia, "empty"),
    ("text file named .mp4", lambda d: broken.text(d / "a.mp4"), BadMedia, "cannot be read as a video"),
    ("cut off before its index", lambda d: broken.headless(d / "a.mp4"), BadMedia, "cut off"),
    ("cut off in its first frame", lambda d: broken.truncated(d / "a.mp4", 0.05), BadMedia, "no frame"),
    ("sound only", lambda d: sound_only(d / "a.m4a"), NoVideoStream, "no video stream"),
    (
        "sound with a cover picture",
        lambda d: sound_only(d / "a.mp3", cover=corners()),
        NoVideoStream,
        "no video stream",
    ),
    (
        "8k x 8k pixels",
        lambda d: film(d / "a.mp4", [plain(0, 8192, 8192)]),
        MediaLimit,
        "8192 x 8192",
    ),
    (
        "8k x 8k pixels in a codec that is opened early",
        lambda d: film(d / "a.avi", [plain(0, 8192, 8192)], codec="mjpeg", pixel_format="yuvj420p"),
        MediaLimit,
        "8192 x 8192",
    ),
]


@pytest.mark.parametrize(("make", "kind", "says"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_file_that_is_no_video_is_refused_with_its_cause(
    make: Callable[[Path], Path],
    kind: type[VidxError],
    says: str,
    reader: SandboxedReader,
    tmp_path: Path,
    folder: Path,
) -> None:
    error = refused(reader, make(tmp_path), folder)
    assert type(error) is kind
    assert says in error.message


@pytest.mark.parametrize("name", ["source", "a.m3u8", "a.mp4", "a.ffconcat"])
@pytest.mark.parametrize("kind", broken.PLAYLISTS)
@pytest.mark.parametrize("target", ["passwd", "film"])
def test_a_playlist_reads_no_other_file(
    name: str, kind: str, target: str, reader: SandboxedReader, tmp_path: Path, folder: Path
) -> None:
    # A playlist of a good film shows that nothing is followed, not only that /etc/passwd is no video.
    path = "/etc/passwd" if target == "passwd" else str(two_scenes(tmp_path / "film.ts"))
    assert type(refused(reader, broken.playlist(tmp_path / name, kind, path), folder)) is BadMedia


def test_a_cut_off_file_is_indexed_as_far_as_it_goes(reader: SandboxedReader, tmp_path: Path, folder: Path) -> None:
    path = broken.truncated(tmp_path / "a.mp4", 0.5)
    found = reader.inspect(path, folder)
    assert SECOND // 2 < found.probe.duration < 3 * SECOND // 2
    plan = Plan(found.probe, plan_segments(found.probe.duration, found.keyframes, SECOND))
    made = reader.segment(path, plan, plan.segments[0].range, folder, no_progress)
    assert len(made.frames) >= 1


@pytest.mark.parametrize(
    "name", ["a'b.mp4", 'a"b.mp4', "a\nb.mp4", "a%d.mp4", "a:b.mp4", "-a.mp4", "concat:a.mp4", "...mp4"]
)
def test_a_name_is_only_a_name(name: str, reader: SandboxedReader, tmp_path: Path) -> None:
    path = two_scenes(tmp_path / "film.mp4").rename(tmp_path / name)
    assert reader.probe(path).duration == 2 * SECOND


def test_a_file_that_is_gone_is_not_found(reader: SandboxedReader, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        reader.frame(tmp_path / "none", 0, 0)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Limits(pixels=64 * 48 - 1), "64 x 48"),
        (Limits(duration=SECOND), "longer than"),
        (Limits(size=1000), "bytes"),
        (Limits(streams=1), "streams"),
    ],
    ids=["pixels", "duration", "bytes", "streams"],
)
def test_limits_are_kept(limits: Limits, says: str, sandbox: Sandbox, tmp_path: Path, folder: Path) -> None:
    path = film(tmp_path / "a.mp4", hold(corners(), 50), sound=tone(2))
    with pytest.raises(MediaLimit, match=says):
        limited(sandbox, limits).inspect(path, folder)
    exact = Limits(pixels=64 * 48, duration=3 * SECOND, size=path.stat().st_size, streams=2)
    assert limited(sandbox, exact).inspect(path, folder).probe.duration >= 2 * SECOND


def test_pictures_that_grow_in_the_middle_are_refused(sandbox: Sandbox, tmp_path: Path, folder: Path) -> None:
    small, large = (film(tmp_path / f"{n}.ts", hold(corners(n, n), 30)).read_bytes() for n in (64, 512))
    path = tmp_path / "a.ts"
    path.write_bytes(small + large)
    reader = limited(sandbox, Limits(pixels=128 * 128))
    try:
        found = reader.inspect(path, folder)
        plan = Plan(found.probe, plan_segments(found.probe.duration, found.keyframes, 300 * SECOND))
        made = reader.segment(path, plan, TimeRange(0, found.probe.duration), folder, no_progress)
    except MediaLimit:
        return
    assert all(frame.time < 2 * SECOND for frame in made.frames)


def test_a_disk_that_is_full_is_told_and_may_pass(tmp_path: Path, folder: Path) -> None:
    path = film(tmp_path / "a.mp4", itertools.chain(*(pan(seed, 50) for seed in range(4))))
    # A child that may write 20 kB stands for a disk with no more room.
    with Sandbox(1, 8 << 30, 20_000) as small:
        reader = limited(small)
        found = reader.inspect(path, folder)
        plan = Plan(found.probe, plan_segments(found.probe.duration, found.keyframes, 300 * SECOND))
        with pytest.raises(StorageFull, match="no room"):
            reader.segment(path, plan, plan.segments[0].range, folder, no_progress)
        assert reader.probe(path).duration == found.probe.duration
