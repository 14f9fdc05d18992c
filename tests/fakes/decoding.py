"""Fakes of the decoding stage's ports, and frames as its detectors see them without a decoder."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from services.core.errors import InvalidInput
from services.core.jobs import Progress
from services.core.media import AudioStream, Plan, Probe, SampledFrame, Shot, Thumbnail, VideoStream
from services.core.times import SECOND, TimeRange
from services.decoding.domain.cuts import Times
from services.decoding.domain.cutting import Part
from services.decoding.domain.signature import HEIGHT, WIDTH, Bytes
from services.decoding.domain.turns import FINE_HEIGHT, FINE_WIDTH
from services.decoding.ports import Inspection, SegmentFiles

VIDEO = VideoStream(0, "h264", 320, 180, 320, 180, Fraction(1, 12800), average_frame_rate=Fraction(25))
PROBE = Probe("mov", 20 * SECOND, 0, 4, VIDEO, audio=(AudioStream(1, "aac", 48000, 2, "eng"),))


class FakeReader:
    """Implements `ports.MediaReader` for a film of 20 s with a keyframe each 5 s; keeps what it was asked.

    What is cut is `film`; `cutting` is set once it has begun, and it ends when `cut_may_end` is.
    """

    def __init__(self, probe: Probe = PROBE, subtitles: bool = True) -> None:
        self._probe = probe
        self._subtitles = subtitles
        self.asked: list[str] = []
        self.fails: Exception | None = None
        self.film = b"film"
        self.cutting, self.cut_may_end = threading.Event(), threading.Event()
        self.cut_may_end.set()

    def probe(self, path: Path) -> Probe:
        self._ask("probe")
        return replace(self._probe, size_bytes=path.stat().st_size)

    def inspect(self, path: Path, folder: Path) -> Inspection:
        self._ask("inspect")
        files = []
        if self._subtitles:
            files.append(folder / "2.eng.vtt")
            files[0].write_text("WEBVTT\n\n00:00:00.500 --> 00:00:01.000\nhello\n\n")
        keyframes = list(range(0, self._probe.duration, 5 * SECOND))
        return Inspection(self._probe, keyframes, files)

    def segment(self, path: Path, plan: Plan, range_: TimeRange, folder: Path, progress: Progress) -> SegmentFiles:
        self._ask(f"segment {range_.start // SECOND}")
        progress(1, 2)
        for name in ("jpegs", "thumbnails", "audio"):
            (folder / name).write_bytes(f"{name} {range_.start}".encode())
        frame = SampledFrame(range_.start, range_.start, range_)
        shot = Shot(0, range_, thumbnail=Thumbnail("", 512, 100, range_.start))
        audio = folder / "audio" if plan.probe.audio else None
        return SegmentFiles([frame], [shot], folder / "jpegs", folder / "thumbnails", audio)

    def frame(self, path: Path, time: int, max_height: int) -> tuple[bytes, int]:
        self._ask(f"frame {time} {max_height}")
        if time >= self._probe.duration:
            raise InvalidInput("beyond the video", fields={"time": "within [0, duration)"})
        return b"\xff\xd8jpeg", time // SECOND * SECOND

    def cut(self, path: Path, parts: Sequence[Part], max_height: int, target: Path, progress: Progress) -> None:
        shown = " ".join(f"{part.range.start}-{part.range.end}" for part in parts)
        target.write_bytes(self.film[:1])
        self.cutting.set()
        self._ask(f"cut {shown} {max_height}")
        while not self.cut_may_end.wait(0.01):
            progress(0, 1)
        target.write_bytes(self.film)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.fails is not None:
            raise self.fails


def signature_of(picture: np.ndarray) -> Bytes:
    """uint8[864] of an RGB picture."""
    image = Image.fromarray(picture).convert("YCbCr")
    large = np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.BOX))
    small = np.asarray(image.resize((WIDTH // 2, HEIGHT // 2), Image.Resampling.BOX))
    return np.concatenate([large[..., 0].ravel(), small[..., 1].ravel(), small[..., 2].ravel()])


def fine_of(picture: np.ndarray) -> Bytes:
    """uint8[180, 320] luma of an RGB picture."""
    grey = Image.fromarray(picture).convert("L").resize((FINE_WIDTH, FINE_HEIGHT), Image.Resampling.BOX)
    return np.asarray(grey)


def seen(pictures: Iterable[np.ndarray], rate: int = 25) -> tuple[Times, Bytes]:
    """Times and signatures of a film's frames, as `find_cuts` takes them."""
    signatures = np.stack([signature_of(picture) for picture in pictures])
    return np.arange(len(signatures), dtype=np.int64) * SECOND // rate, signatures
