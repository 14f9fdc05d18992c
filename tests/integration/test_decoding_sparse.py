"""Leaving pictures undecoded changes nothing: the same shots, the same sampled stretches, whatever the encoder did."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from services.core.media import SampledFrame, Transition
from services.core.times import SECOND, TimeRange, covers
from services.decoding import pyav_plan
from services.decoding.domain.signature import Bytes
from services.decoding.ports import Limits, Sampling, SegmentFiles
from services.decoding.pyav_pictures import Painter
from services.decoding.pyav_segment import decode_segment
from tests.media.films import film
from tests.media.pictures import Picture, flash, hold, mix, pan, plain, scene, shake
from tests.media.slides import DARK, Style, slide

RATE = 25
SMALL = Style(18)


def page(*lines: str, style: Style = SMALL) -> Picture:
    return slide(lines, style, 384, 216)


ONE, TWO = page("budget harbour mountain", "report of the volcano"), page("kitchen history weather", "a long journey")
DARKER = page("evening expert factory", style=Style(18, DARK.ink, DARK.paper))
PHOTO = scene(7, 384, 216)

Story = Callable[[], Iterable[Picture]]
C, G = Transition.CUT, Transition.GRADUAL
# Films, and the frames with which their shots begin.
STORIES: dict[str, tuple[Story, list[tuple[int, Transition]]]] = {
    "still": (lambda: hold(ONE, 200), []),
    "cut inside a group": (lambda: chain(hold(ONE, 87), hold(PHOTO, 113)), [(87, C)]),
    "cut and back inside a group": (
        lambda: chain(hold(ONE, 60), hold(PHOTO, 18), hold(ONE, 122)),
        [(60, C), (78, C)],
    ),
    "cut to black and back": (
        lambda: chain(hold(PHOTO, 60), hold(plain(16, 384, 216), 30), hold(PHOTO, 110)),
        [(60, C), (90, C)],
    ),
    "one frame of another picture": (lambda: chain(hold(ONE, 71), [PHOTO], hold(ONE, 128)), []),
    "one white frame": (lambda: chain(hold(PHOTO, 71), [plain(235, 384, 216)], hold(PHOTO, 128)), []),
    "photo flash": (lambda: flash(list(hold(PHOTO, 200)), 71), []),
    "other words for half a second": (lambda: chain(hold(ONE, 66), hold(TWO, 13), hold(ONE, 121)), []),
    "other words inside a group": (lambda: chain(hold(ONE, 66), hold(TWO, 134)), []),
    "another design": (lambda: chain(hold(ONE, 66), hold(DARKER, 134)), [(66, C)]),
    "dissolve of stills": (lambda: chain(hold(ONE, 70), mix(ONE, PHOTO, 20), hold(PHOTO, 110)), [(80, G)]),
    "quiet fade to black": (
        lambda: chain(hold(DARKER, 70), mix(DARKER, plain(16, 384, 216), 25), hold(DARKER * 0 + 16, 105)),
        [],
    ),
    "cut between moving shots": (lambda: chain(walk(1, 83), walk(2, 117)), [(83, C)]),
    "cuts near one another": (lambda: chain(walk(1, 83), walk(2, 14), walk(3, 103)), [(83, C), (97, C)]),
    "dissolve of moving shots": (lambda: dissolved(walk(1, 90), walk(2, 130), 20), [(80, G)]),
    "a hand that is not steady": (lambda: shake(5, 200, 384, 216), []),
    "from still to moving and back": (
        lambda: chain(hold(ONE, 70), walk(1, 60), hold(TWO, 70)),
        [(70, C), (130, C)],
    ),
    "a long walk": (lambda: walk(8, 420), []),
    "cut after a long walk": (lambda: chain(walk(8, 340), walk(9, 80)), [(340, C)]),
    "cut away and back after a long walk": (
        lambda: [*list(walk(8, 420))[:333], *walk(9, 12), *list(walk(8, 420))[345:]],
        [(333, C), (345, C)],
    ),
    "black for a moment after a long walk": (
        lambda: [*list(walk(8, 420))[:329], *hold(plain(16, 384, 216), 16), *list(walk(8, 420))[345:]],
        [(329, C), (345, C)],
    ),
    "photo flash after a long walk": (lambda: flash(list(walk(8, 420)), 333), []),
    "dissolve after a long walk": (lambda: dissolved(walk(8, 340), walk(9, 100), 20), [(330, G)]),
}
ENCODINGS: dict[str, tuple[str, str, int, dict[str, str]]] = {
    "two seconds": ("mp4", "libx264", 50, {"preset": "veryfast", "sc_threshold": "0"}),
    "ten seconds": ("mp4", "libx264", 250, {"preset": "veryfast", "sc_threshold": "0"}),
    "keyframes at cuts": ("mp4", "libx264", 50, {"preset": "veryfast"}),
    "no B-frames": ("mp4", "libx264", 50, {"preset": "veryfast", "bf": "0", "sc_threshold": "0"}),
    "many B-frames": ("mkv", "libx264", 50, {"preset": "slow", "bf": "8", "b_strategy": "0", "sc_threshold": "0"}),
    "open groups": ("mkv", "libx264", 50, {"preset": "veryfast", "x264-params": "open-gop=1:scenecut=0"}),
    "transport stream": ("ts", "libx264", 50, {"preset": "veryfast", "sc_threshold": "0"}),
    "little room": ("mp4", "libx264", 50, {"preset": "veryfast", "b": "60k", "maxrate": "60k", "bufsize": "60k"}),
    "HEVC": ("mp4", "libx265", 50, {"preset": "ultrafast", "x265-params": "log-level=none:bframes=4:b-adapt=0"}),
    "VP9": ("webm", "libvpx-vp9", 50, {"deadline": "realtime", "cpu-used": "8"}),
}


def chain(*parts: Iterable[Picture]) -> Iterator[Picture]:
    return itertools.chain(*parts)


def walk(seed: int, count: int) -> Iterator[Picture]:
    return pan(seed, count, 384, 216)


def dissolved(a: Iterable[Picture], b: Iterable[Picture], count: int) -> Iterator[Picture]:
    first, second = list(a), list(b)
    yield from first[:-count]
    for i, (x, y) in enumerate(zip(first[-count:], second[:count], strict=True)):
        share = (i + 1) / (count + 1)
        yield (x * (1 - share) + y * share).astype(np.uint8)
    yield from second[count:]


def taken(path: Path, folder: Path, frames: int) -> SegmentFiles:
    folder.mkdir()
    return decode_segment(path, Limits(), Sampling(), TimeRange(0, frames * SECOND // RATE), False, folder)


def stretches(files: SegmentFiles) -> list[TimeRange]:
    return sorted(frame.range for frame in files.frames)


def cuts(files: SegmentFiles) -> list[tuple[int, Transition]]:
    return [(round(s.range.start * RATE / SECOND), s.transition) for s in files.shots[1:]]


def pictures(files: SegmentFiles) -> dict[SampledFrame, Image.Image]:
    data = files.jpegs.read_bytes()
    starts = [data.find(f"{f.pts}.jpg\0".encode()) for f in files.frames]
    found = {}
    for frame, start in zip(files.frames, starts, strict=True):
        size = int(data[start + 124 : start + 135], 8)
        (file := files.jpegs.parent / f"{frame.pts}.jpg").write_bytes(data[start + 512 : start + 512 + size])
        found[frame] = Image.open(file).convert("L")
    return found


# The first encodings take every story; the others those that they may treat otherwise.
TELLING = (
    "still", "cut and back inside a group", "other words for half a second", "dissolve of stills",
    "cut between moving shots", "from still to moving and back", "cut away and back after a long walk",
)  # fmt: skip
CASES = [(story, encoding) for i, encoding in enumerate(ENCODINGS) for story in (STORIES if i < 4 else TELLING)]


@pytest.mark.parametrize(("story", "encoding"), CASES)
def test_nothing_is_missed(story: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, want = STORIES[story]
    suffix, codec, gop, options = ENCODINGS[encoding]
    frames = list(shown())
    path = film(tmp_path / f"f.{suffix}", frames, rate=RATE, gop=gop, codec=codec, options=options)
    sparse = taken(path, tmp_path / "sparse", len(frames))
    monkeypatch.setattr(pyav_plan, "CODECS", ())
    whole = taken(path, tmp_path / "whole", len(frames))
    assert [(s.range, s.transition) for s in sparse.shots] == [(s.range, s.transition) for s in whole.shots]
    # A keyframe may stand for a second that begins soon, or that has just begun.
    assert len(sparse.frames) == len(whole.frames)
    for mine, theirs in zip(stretches(sparse), stretches(whole), strict=True):
        assert -SECOND // 2 <= theirs.start - mine.start < SECOND
    assert covers(stretches(sparse), TimeRange(0, len(frames) * SECOND // RATE))
    if encoding != "little room":
        assert [kind for _, kind in cuts(sparse)] == [kind for _, kind in want]
        for (at, kind), (true, _) in zip(cuts(sparse), want, strict=True):
            assert at == true if kind is C else abs(at - true) <= 2
    for frame, picture in pictures(sparse).items():
        assert frame.range.contains(frame.time)
        size = picture.size
        true_picture = Image.fromarray(frames[round(frame.time * RATE / SECOND)]).convert("L").resize(size)
        assert np.abs(np.asarray(picture, int) - np.asarray(true_picture, int)).mean() < 12


@pytest.mark.parametrize(
    ("story", "most"),
    [("still", 60), ("cut inside a group", 100), ("a long walk", 375)],
)
def test_what_tells_nothing_is_not_decoded(
    story: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []

    def counted(painter: Painter, frame: av.VideoFrame) -> Bytes:
        looked.append(frame.pts)
        return signature(painter, frame)

    signature = Painter.signature
    monkeypatch.setattr(Painter, "signature", counted)
    frames = list(STORIES[story][0]())
    suffix, codec, gop, options = ENCODINGS["no B-frames"]
    path = film(tmp_path / f"f.{suffix}", frames, rate=RATE, gop=gop, codec=codec, options=options)
    taken(path, tmp_path / "sparse", len(frames))
    assert len(looked) <= most
