"""Fakes of the embedding stage's ports: vectors that can be told from the input, and a record of what was asked."""

import hashlib
import threading
from collections.abc import Sequence

import numpy as np

from services.core.errors import InvalidInput
from services.embedding.domain.model import Model
from services.embedding.domain.vectors import F32, U8, unit
from services.embedding.domain.windows import Tokens
from services.packs.manifest import Background, Manifest, Text, Visual

DIMENSION = 8
ROOM = 6
BEGIN, END = 101, 102
MANIFEST = Manifest(
    format=1,
    pack="tiny",
    digest="0123456789abcdef",
    backend="python",
    space="s1",
    visual_encoder=Visual(
        model="see", version="2", digest="d1", dimension=3, input="x", output="y", height=4, width=8, layout="wide"
    ),
    text_encoder=Text(
        model="read",
        version="1",
        digest="d2",
        dimension=3,
        ids="i",
        mask="m",
        output="y",
        max_tokens=16,
        tokenizer="tokenizer.json",
    ),
    background=Background(file="background.npy", rows=4, centre=0.0, scale=1.0),
)


def model(space: str = "fake-space", image_version: str = "v1", text_version: str = "t1") -> Model:
    rows = np.random.default_rng(0).normal(size=(16, DIMENSION))
    return Model(space, DIMENSION, image_version, text_version, unit(rows), centre=4.0, scale=0.5)


def vector_of(value: int) -> F32:
    """The unit vector [d] that stands for a number."""
    return unit(np.random.default_rng(value).normal(size=(1, DIMENSION)))[0]


class FakeEncoder:
    """A canvas's vector is that of its first pixel's red; a window's is that of its ids."""

    def __init__(self) -> None:
        self.image_batches: list[int] = []
        self.text_batches: list[list[tuple[int, ...]]] = []
        self._lock = threading.Lock()

    def encode_images(self, canvases: U8) -> F32:
        with self._lock:
            self.image_batches.append(len(canvases))
        return np.stack([vector_of(int(canvas[0, 0, 0])) for canvas in canvases])

    def encode_texts(self, windows: Sequence[Sequence[int]]) -> F32:
        with self._lock:
            self.text_batches.append([tuple(window) for window in windows])
        return np.stack([window_vector(window) for window in windows])


def window_vector(window: Sequence[int]) -> F32:
    return vector_of(int(hashlib.sha256(repr(tuple(window)).encode()).hexdigest()[:8], 16))


class FakePictures:
    """A file of k bytes is k canvases of 2x2 pixels, each of the byte's red; an empty one is no picture."""

    def canvases(self, data: bytes) -> U8:
        if not data:
            raise InvalidInput("no picture")
        return np.stack([np.full((2, 2, 3), value, np.uint8) for value in data])


class FakeTokenizer:
    """A token a word; its id is the word's length."""

    @property
    def room(self) -> int:
        return ROOM

    def tokens(self, text: str) -> Tokens:
        ids, ends, at = [], [], 0
        for word in text.replace("\n", " ").split(" "):
            at += len(word)
            if word and word != "\x00":
                ids.append(len(word))
                ends.append(at)
            at += 1
        return Tokens(tuple(ids), tuple(ends))

    def window(self, ids: Sequence[int]) -> tuple[int, ...]:
        return (BEGIN, *ids, END)


class DictCache:
    """Remembers everything."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], F32] = {}

    def get(self, text: str, version: str) -> F32 | None:
        return self.held.get((text, version))

    def put(self, text: str, version: str, vector: F32) -> None:
        self.held[text, version] = vector
