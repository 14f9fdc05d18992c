"""Fakes of the captioning stage's ports, and a store with what the stages before it wrote."""

import io
import tarfile
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from services.captioning.domain.agreement import Meaning
from services.captioning.pillow import PillowPictures
from services.captioning.ports import U8, Candidate, View
from services.core.errors import VidxError
from services.core.jobs import Job
from services.core.media import Plan, Probe, SampledFrame, SampledFrames, Segment, Shot, Shots, VideoInfo, VideoStream
from services.core.names import VideoName
from services.core.text import Box, TextLine
from services.core.times import SECOND, TimeRange
from services.core.vectors import FrameClasses, classes_to_npz, to_npz
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore

VIDEO = VideoName("c", "v")
SPACE = "fake-space"
DIMENSION = 8


def axis(i: int) -> np.ndarray:
    """A unit vector [8]; those of different numbers are at right angles."""
    return np.eye(DIMENSION, dtype=np.float32)[i % DIMENSION]


class FakeEncoder:
    """Implements `ports.TextEncoder`: a text lies on the axis that `axes` says, else on the last."""

    def __init__(self, axes: Mapping[str, int] | None = None, space: str = SPACE) -> None:
        self.axes = dict(axes or {})
        self.space = space
        self.asked: list[list[str]] = []
        self.fails: VidxError | None = None

    def meanings(self, texts: Sequence[str]) -> tuple[str, Mapping[str, Meaning]]:
        self.asked.append(list(texts))
        if self.fails is not None:
            raise self.fails
        return self.space, {text: Meaning(axis(self.axes.get(text, DIMENSION - 1)), 0.5, 0.1) for text in texts}


class FakeCaptioner:
    """Implements `ports.Captioner`: answers by the number of the shot asked about, from 0, what `answers` holds."""

    model = "fake"
    version = "1"

    def __init__(self, answers: Mapping[int, Sequence[Candidate] | VidxError], pictures: int = 1) -> None:
        self.answers = dict(answers)
        self.pictures = pictures
        self.asked: list[View] = []

    def captions(self, view: View) -> Sequence[Candidate]:
        self.asked.append(view)
        shot = view.pictures[0][-1] if view.pictures else len(self.asked) - 1
        answer = self.answers.get(shot, ())
        if isinstance(answer, VidxError):
            raise answer
        return answer


class FakeBrought:
    """Implements `ports.Brought` in the process itself; what it makes anew is as it was."""

    def __init__(self, max_pixels: int = 1_000_000) -> None:
        self._pictures = PillowPictures(max_pixels)

    def pixels(self, data: bytes) -> U8:
        return self._pictures.open(data).pixels()

    def made_anew(self, data: bytes) -> bytes:
        return data


class FakeReader:
    """Implements `ports.TextReader`: the red of a picture's first pixel says which of `texts` is written there."""

    version = "1"

    def __init__(self, texts: Mapping[int, str]) -> None:
        self.texts = dict(texts)
        self.glances = 0
        self.reads = 0

    def glance(self, picture: U8) -> tuple[Box, ...]:
        self.glances += 1
        return (Box(0.1, 0.1, 0.9, 0.2),) if self._text(picture) else ()

    def read(self, picture: U8, places: Sequence[Box] = ()) -> tuple[TextLine, ...]:
        self.reads += 1
        text = self._text(picture)
        return (TextLine(text, Box(0.1, 0.1, 0.9, 0.2), 0.9),) if text else ()

    def _text(self, picture: U8) -> str:
        return self.texts.get(round(int(picture[0, 0, 0]) / 10) * 10, "")


def picture(level: int, shot: int = 0) -> bytes:
    """A PNG of one colour whose last byte is the number of a shot."""
    out = io.BytesIO()
    noise = np.random.default_rng(level).integers(0, 2, (36, 64, 3), np.uint8)
    Image.fromarray((noise + level).astype(np.uint8)).save(out, "PNG")
    return out.getvalue() + bytes([shot])


class Bucket:
    """A store that holds a video of `shots` shots of two seconds, a frame a second, in segments of four seconds."""

    def __init__(self, folder: Path, shots: int = 4, levels: Sequence[int] = (), labels: tuple[str, ...] = ()) -> None:
        self.store = ArtifactStore(FolderStore(folder))
        seconds = 2 * shots
        whole = [TimeRange(at * SECOND, min(at + 4, seconds) * SECOND) for at in range(0, seconds, 4)]
        stream = VideoStream(0, "h264", 64, 36, 64, 36, Fraction(1, 1000))
        probe = Probe("mov", seconds * SECOND, 0, 1, stream)
        cut = [Shot(i, TimeRange(2 * i * SECOND, 2 * (i + 1) * SECOND)) for i in range(shots)]
        self.store.save(f"{VIDEO}/plan", Plan(probe, tuple(Segment(i, r) for i, r in enumerate(whole))))
        self.store.save(f"{VIDEO}/shots", Shots(tuple(cut)))
        self.store.save(f"{VIDEO}/info", VideoInfo(str(VIDEO), "t", 0, shot_labels=labels))
        self.store.objects.put(f"{VIDEO}/shot_vectors", to_npz(np.stack([axis(i) for i in range(shots)]), SPACE))
        self.segments = len(whole)
        for i, r in enumerate(whole):
            times = range(r.start, r.end, SECOND)
            rows = [t // SECOND for t in times]
            frames = tuple(SampledFrame(t // SECOND, t, TimeRange(t, t + SECOND)) for t in times)
            self.store.save(f"{VIDEO}/frames-{i}", SampledFrames(f"{VIDEO}/jpegs-{i}", frames))
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w") as tar:
                for row in rows:
                    data = picture(levels[row] if levels else 10 * row, row // 2)
                    member = tarfile.TarInfo(f"{row}.jpg")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
            self.store.objects.put(f"{VIDEO}/jpegs-{i}", out.getvalue())
            self.store.objects.put(f"{VIDEO}/vectors-{i}", to_npz(np.stack([axis(r // 2) for r in rows]), SPACE))
            classes = FrameClasses(
                np.array([["tabby cat", "lynx"]] * len(rows)), np.array([[0.8, 0.1]] * len(rows), np.float32)
            )
            self.store.objects.put(f"{VIDEO}/classes-{i}", classes_to_npz(classes))

    def text(self, segment: int = 0) -> Job:
        return Job(VIDEO, "captioning.text", segment, inputs={"frames": (f"{VIDEO}/frames-{segment}",)})

    def describe(self, segment: int = 0, classes: bool = True) -> Job:
        inputs = {
            "plan": (f"{VIDEO}/plan",),
            "shots": (f"{VIDEO}/shots",),
            "frames": (f"{VIDEO}/frames-{segment}",),
            "frame_vectors": (f"{VIDEO}/vectors-{segment}",),
            **({"frame_classes": (f"{VIDEO}/classes-{segment}",)} if classes else {}),
        }
        return Job(VIDEO, "captioning.describe", segment, inputs=inputs)

    def assemble(self, **given: tuple[str, ...]) -> Job:
        inputs = {kind: (f"{VIDEO}/{kind}",) for kind in ("info", "shots", "shot_vectors")}
        return Job(VIDEO, "captioning.assemble", inputs={**inputs, **given})
