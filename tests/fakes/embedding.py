"""Fakes of the embedding stage's ports: vectors that can be told from the input, and a record of what was asked."""

import hashlib
import threading
from collections.abc import Sequence

import numpy as np

from services.core.errors import InvalidInput
from services.embedding.domain.model import Model, TextSpace
from services.embedding.domain.vectors import F32, U8, unit
from services.embedding.domain.windows import Tokens
from services.embedding.ports import Cache
from services.embedding.texts import Texts
from services.packs.manifest import (
    Background,
    Captioner,
    Manifest,
    OnScreenText,
    Sentence,
    Speech,
    Text,
    Visual,
)

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
        model="see",
        version="2",
        digest="d1",
        dimension=3,
        input="x",
        output="y",
        height=4,
        width=8,
        layout="wide",
        classes="classes.json",
        class_output="p",
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
    sentence_encoder=Sentence(
        model="read",
        version="1",
        digest="d2",
        dimension=3,
        ids="i",
        mask="m",
        output="z",
        max_tokens=16,
        tokenizer="tokenizer.json",
        space="s2",
        background=Background(file="sentences.npy", rows=4, centre=2.0, scale=0.5),
    ),
    speech=Speech(technology="pocketsphinx", model="", language="en"),
    on_screen_text=OnScreenText(technology="rapidocr"),
    captioner=Captioner(technology="classes", prompt="prompt.txt"),
)
CLASSES = ("dog", "cat")


def model(
    space: str = "fake-space",
    image_version: str = "v1",
    text_version: str = "t1",
    classes: tuple[str, ...] = (),
    cut_alike: bool = False,
) -> Model:
    joint, sentences = (unit(np.random.default_rng(seed).normal(size=(16, DIMENSION))) for seed in (0, 1))
    return Model(
        TextSpace(space, DIMENSION, text_version, joint, centre=4.0, scale=0.5),
        TextSpace("sentences", DIMENSION, text_version, sentences, centre=2.0, scale=0.25),
        image_version,
        classes,
        cut_alike,
    )


def vector_of(value: int) -> F32:
    """The unit vector [d] that stands for a number."""
    return unit(np.random.default_rng(value).normal(size=(1, DIMENSION)))[0]


class FakeEncoder:
    """A canvas's vector and classes are those of its first pixel's red; a window's vector is that of its ids, which
    the sentence space turns round.
    """

    def __init__(self, classes: int = 0) -> None:
        self.image_batches: list[int] = []
        self.text_batches: list[list[tuple[int, ...]]] = []
        self._classes = classes
        self._lock = threading.Lock()

    def encode_images(self, canvases: U8) -> F32:
        with self._lock:
            self.image_batches.append(len(canvases))
        return np.stack([vector_of(int(canvas[0, 0, 0])) for canvas in canvases])

    def classify_images(self, canvases: U8) -> tuple[F32, F32]:
        found = np.stack([probabilities_of(int(canvas[0, 0, 0]), self._classes) for canvas in canvases])
        return self.encode_images(canvases), found

    def encode_texts(self, windows: Sequence[Sequence[int]]) -> F32:
        with self._lock:
            self.text_batches.append([tuple(window) for window in windows])
        return np.stack([window_vector(window) for window in windows])

    def encode_sentences(self, windows: Sequence[Sequence[int]]) -> F32:
        return -self.encode_texts(windows)

    def encode_both(self, windows: Sequence[Sequence[int]]) -> tuple[F32, F32]:
        found = self.encode_texts(windows)
        return found, -found


def probabilities_of(value: int, classes: int) -> F32:
    """The probabilities [classes] that stand for a number."""
    found = np.random.default_rng(value).dirichlet(np.ones(classes)).astype(np.float32)
    return found


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

    def get(self, text: str, kind: str) -> F32 | None:
        return self.held.get((text, kind))

    def put(self, text: str, kind: str, vector: F32) -> None:
        self.held[text, kind] = vector


def texts(
    encoder: FakeEncoder, model_: Model | None = None, cache: Cache | None = None, **options: int
) -> tuple[Texts, Texts]:
    """Texts of the joint space and of the sentence space, which share a cache."""
    known, held = model_ or model(), cache or DictCache()
    return (
        Texts(known.joint, encoder.encode_texts, FakeTokenizer(), held, **options),
        Texts(known.sentence, encoder.encode_sentences, FakeTokenizer(), held, **options),
    )
