"""Made videos for the search benchmark: rows of pictures and texts around subjects that real queries lie near."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.core.media import SampledFrame, Shot, VideoInfo
from services.core.names import VideoName
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from services.runtime.text_embedding import Embedded
from services.search.domain.rows import About, Row, RowMaker
from services.search.domain.text_rows import TextRow, TextRowMaker

F32 = NDArray[np.float32]
SHOTS, FRAMES, SPOKEN, WRITTEN, SAID = 40, 4, 16, 4, 12
"""Of a made video: shots of 6 s, frames a shot, passages that are spoken and on the screen, words a passage."""
ROWS = SHOTS * FRAMES + SHOTS + SPOKEN + WRITTEN + 1
"""Rows of a made video, with its title."""
SHARES = (0.6, 0.2, 0.1, 0.1)
"""Of the rows, by collection."""
ASKED = "tenant-0"
"""The first of them."""
THINGS = [
    "dog", "horse", "boat", "train", "tower", "bridge", "garden", "kitchen", "market", "teacher", "engine", "violin",
    "mountain", "river", "bicycle", "castle", "orchard", "library", "camera", "painting", "tractor", "harbour",
]  # fmt: skip
HOW = ["red", "old", "small", "wooden", "broken", "painted", "quiet", "famous", "heavy", "bright", "frozen", "empty"]
DOES = ["runs", "stands", "waits", "turns", "falls", "shines", "moves", "rests", "grows", "burns", "sings", "floats"]
WHERE = ["beach", "street", "forest", "stage", "field", "cellar", "roof", "island", "desert", "valley", "classroom"]


def sentence(rng: np.random.Generator) -> str:
    """One of about ten million plain sentences."""
    how, thing, does, place, other, near = (rng.choice(words) for words in (HOW, THINGS, DOES, WHERE, HOW, THINGS))
    return f"the {how} {thing} {does} near the {place} beside a {other} {near}"


@dataclass(frozen=True)
class Subjects:
    """What made videos are about: sentences with their vectors [n, d] in both spaces, whose names these are."""

    texts: list[str]
    joint: F32
    sentence: F32
    spaces: tuple[str, str]

    @classmethod
    def make(cls, embed: Callable[[list[str]], tuple[Embedded, ...]], count: int = 512) -> "Subjects":
        rng = np.random.default_rng(1)
        texts = [sentence(rng) for _ in range(count)]
        joint, own = embed(texts)
        return cls(texts, joint.vectors, own.vectors, (joint.space, own.space))

    def near(self, rng: np.random.Generator, vectors: F32, which: NDArray[np.intp], noise: float) -> F32:
        """Unit vectors around those of the subjects `which`, at a cosine of about 1 / sqrt(1 + noise^2)."""
        dimension = vectors.shape[1]
        off = rng.standard_normal((len(which), dimension)).astype(np.float32) * (noise / np.sqrt(dimension))
        return unit(vectors[which] + off)


def unit(vectors: F32) -> F32:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def video(subjects: Subjects, name: VideoName, seed: int) -> tuple[list[Row], list[TextRow]]:
    """A video's rows, made from its seed."""
    rng = np.random.default_rng(seed)
    shots = [Shot(n, TimeRange(6 * n * SECOND, 6 * (n + 1) * SECOND)) for n in range(SHOTS)]
    about = About(name, VideoInfo(str(name), sentence(rng), seed, {}), shots[-1].range.end, shots, (), f"{seed:032x}")
    seen = rng.integers(0, len(subjects.texts), SHOTS)
    step = 6 * SECOND // FRAMES
    frames = [SampledFrame(n * step, n * step, TimeRange(n * step, (n + 1) * step)) for n in range(SHOTS * FRAMES)]
    of_shots = subjects.near(rng, subjects.joint, seen, 1.5)
    off = rng.standard_normal((len(frames), of_shots.shape[1])).astype(np.float32)
    of_frames = unit(np.repeat(of_shots, FRAMES, axis=0) + off * (0.4 / np.sqrt(of_shots.shape[1])))
    pictures = RowMaker(about)
    pooled = unit(of_frames.reshape(SHOTS, FRAMES, -1).mean(axis=1))
    passages, vectors = _passages(subjects, rng, shots)
    texts = TextRowMaker(about)
    return (
        [*pictures.frames(frames, of_frames), *pictures.shots(pooled)],
        [*texts.passages(passages, vectors), *texts.title(vectors[:1])],
    )


def _passages(subjects: Subjects, rng: np.random.Generator, shots: list[Shot]) -> tuple[list[Passage], F32]:
    about = rng.integers(0, len(subjects.texts), SPOKEN + WRITTEN)
    passages = []
    for n, subject in enumerate(about):
        own = subjects.texts[subject].split()
        others = sentence(rng).split()
        words = " ".join(rng.permutation([*own, *others])[:SAID])
        track = Track.SPEECH if n < SPOKEN else Track.ON_SCREEN_TEXT
        shot = shots[int(rng.integers(0, len(shots)))].range
        passages.append(Passage(track, TimeRange(shot.start + SECOND, shot.end - SECOND), words, "en", 1.0))
    return passages, subjects.near(rng, subjects.sentence, about, 1.0)


def videos(subjects: Subjects, rows: int) -> Iterator[tuple[list[Row], list[TextRow]]]:
    """Videos that have at least so many rows together, in the collections `tenant-0` (the one asked) and on."""
    seed = 0
    for tenant, share in enumerate(SHARES):
        for n in range(max(1, round(rows * share / ROWS))):
            seed += 1
            yield video(subjects, VideoName(f"tenant-{tenant}", f"v{n}"), seed)
