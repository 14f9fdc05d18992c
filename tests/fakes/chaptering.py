"""Made-up videos to cut into chapters: each topic has words and a direction of its own, and both are noisy."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np

from services.chaptering import formats
from services.chaptering.answering import Answering
from services.chaptering.asking import Writing
from services.chaptering.domain.boundaries import Wanted
from services.chaptering.domain.material import F32, Material
from services.chaptering.naming import Namer
from services.chaptering.ports import Found, TextVectors, Written
from services.chaptering.service import Chaptering
from services.chaptering.summarizing import Summarizing
from services.core.errors import InvalidInput, VidxError
from services.core.media import Plan, Probe, SampledFrame, SampledFrames, Segment, Shot, Shots, VideoStream
from services.core.text import OnScreenText, Passage, Passages, Source, Track, Transcript, TranscriptTrack
from services.core.times import SECOND, TimeRange
from services.core.vectors import to_npz
from services.embedding import rpc as embedding_rpc
from services.embedding.service import Embedding
from services.runtime.artifacts import ArtifactStore
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings
from services.runtime.store_folder import FolderStore
from tests.fakes import embedding

VIDEO = "collections/c/videos/v"
DIMENSION = 16
SENTENCE = 6 * SECOND
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


def word(seed: int) -> str:
    """A word of six letters, another for every seed."""
    rng = np.random.default_rng(seed)
    return "".join(rng.choice(list(letters)) for letters in (_CONSONANTS, _VOWELS) * 3)


def unit(vectors: np.ndarray) -> F32:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def talk(lengths: Sequence[int], seed: int = 0, gap: int = 0, dimension: int = DIMENSION) -> Material:
    """Somebody speaks `lengths[k]` sentences about topic k; `gap` ns of silence before each topic but the first."""
    rng = np.random.default_rng(seed)
    common = [word(i) for i in range(30)]
    centres = rng.normal(size=(len(lengths), dimension))
    passages, vectors, at = [], [], 0
    for topic, length in enumerate(lengths):
        own = [word(1000 * (topic + 1) + i) for i in range(12)]
        at += gap if topic else 0
        for _ in range(length):
            said = [*rng.choice(common, 5), *rng.choice(own, 4)]
            passages.append(Passage(Track.SPEECH, TimeRange(at, at + SENTENCE), " ".join(said) + ".", "en"))
            vectors.append(centres[topic] + rng.normal(size=dimension))
            at += SENTENCE
    return Material(at, (Shot(0, TimeRange(0, at)),), passages=tuple(passages), passage_vectors=unit(np.array(vectors)))


def silent_film(lengths: Sequence[int], seed: int = 0, shot: int = 4 * SECOND) -> Material:
    """Shots without a word; `lengths[k]` of them at place k."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(len(lengths), DIMENSION))
    rows = [centres[k] + 0.5 * rng.normal(size=DIMENSION) for k, n in enumerate(lengths) for _ in range(n)]
    shots = tuple(Shot(i, TimeRange(i * shot, (i + 1) * shot)) for i in range(len(rows)))
    return Material(len(rows) * shot, shots, unit(np.array(rows)))


class FakeEncoder:
    """A text's vector is that of its letters, or the `known` one; `space` can be changed, `fault` raised.

    Equal texts score 1, and others next to nothing.
    """

    def __init__(
        self, space: str = "sentences", dimension: int = DIMENSION, known: Mapping[str, np.ndarray] | None = None
    ) -> None:
        self.space = space
        self.known = known or {}
        self.dimension = dimension
        self.fault: VidxError | None = None
        self.asked: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> TextVectors:
        if self.fault is not None:
            raise self.fault
        self.asked.append(list(texts))
        rows = [self._vector(text) for text in texts]
        vectors = unit(np.array(rows)) if rows else np.zeros((0, self.dimension), np.float32)
        return TextVectors(self.space, vectors, np.tile([0.7, 0.03], (len(rows), 1)))

    def _vector(self, text: str) -> np.ndarray:
        if text in self.known:
            return self.known[text]
        return np.random.default_rng(list(text.encode())).normal(size=self.dimension)


class FakeQueries:
    """Queries that are known: in the space of pictures the vector `seen`, in that of texts as `FakeEncoder` has it.

    In both spaces a cosine of 0.7 is a score of one half. "?" is nothing to read.
    """

    def __init__(self, seen: np.ndarray | None = None, texts: FakeEncoder | None = None) -> None:
        self.seen = np.eye(1, DIMENSION)[0] if seen is None else seen
        self.texts = texts or FakeEncoder()
        self.space = "pictures"

    def encode(self, text: str) -> tuple[TextVectors, TextVectors]:
        if text == "?":
            raise InvalidInput("texts[0]: nothing to read", fields={"texts[0]": "nothing to read"})
        meaning = self.texts.encode([text])
        return TextVectors(self.space, unit(self.seen[None, :]), meaning.curves), meaning


def knowing(material: Material) -> FakeEncoder:
    """An encoder that gives a material's passages the vectors that the material has."""
    vectors = zip(material.passages, material.passage_vectors, strict=True)
    return FakeEncoder(known={passage.text: vector for passage, vector in vectors})


class FakeWriter:
    """A language model that repeats what it is given: every third text, or what `says` makes of the texts.

    `faults` are raised one a question, None for none; `asked` are the texts of each question.
    """

    def __init__(self, room: int = 2000, says: Callable[[Sequence[str]], Sequence[Written]] | None = None) -> None:
        self.model, self.version, self.room = "parrot", "parrot:1", room
        self.says = says or (lambda texts: [Written(text, (i,)) for i, text in enumerate(texts) if i % 3 == 0])
        self.names: Callable[[Sequence[str]], Sequence[str]] = lambda texts: [
            " ".join(text.split()[:3]) for text in texts
        ]
        self.faults: list[VidxError | None] = []
        self.asked: list[tuple[str, ...]] = []
        self.wanted: list[object] = []

    def titles(self, texts: Sequence[str]) -> Sequence[str]:
        self._hear(texts, "titles")
        return self.names(texts)

    def summary(self, texts: Sequence[str], words: int, focus: str = "") -> Sequence[Written]:
        self._hear(texts, (words, focus))
        return self.says(texts)

    def answer(self, question: str, texts: Sequence[str]) -> Sequence[Written]:
        self._hear(texts, question)
        return self.says(texts)

    def _hear(self, texts: Sequence[str], wanted: object) -> None:
        self.asked.append(tuple(texts))
        self.wanted.append(wanted)
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault


class FakeMoments:
    """A search service that finds `found`, or raises `fault`."""

    def __init__(self, found: Sequence[Found] = ()) -> None:
        self.found = found
        self.fault: VidxError | None = None
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []

    def find(self, parent: str, question: str, videos: Sequence[str]) -> Sequence[Found]:
        self.asked.append((parent, question, tuple(videos)))
        if self.fault is not None:
            raise self.fault
        return self.found


class FakeFunctionWords:
    """English ones only."""

    def of(self, language: str) -> Collection[str]:
        return {"the", "of", "is", "and", "so", "on", "a"} if language in ("", "en") else ()


def store(artifacts: ArtifactStore, material: Material, space: str = "sentences", video: str = VIDEO) -> dict[str, str]:
    """Object keys by kind of a material's artifacts, written."""
    stream = VideoStream(0, "h264", 320, 180, 320, 180, Fraction(1, 25))
    plan = Plan(Probe("mp4", material.duration, 0, 1, stream), (Segment(0, TimeRange(0, material.duration)),))
    nouns = {
        "plan": plan,
        "shots": Shots(material.shots),
        "passages": Passages(material.passages),
        "on_screen_text": OnScreenText(material.readings),
        "transcript": Transcript((TranscriptTrack(material.language, Source.SUBTITLE_FILE),)),
    }
    keys = {kind: f"{video}/{kind}" for kind in nouns}
    for kind, noun in nouns.items():
        artifacts.save(keys[kind], noun)  # type: ignore[arg-type]
    for kind, vectors, things in (
        ("shot_vectors", material.shot_vectors, material.shots),
        ("passage_vectors", material.passage_vectors, material.passages),
    ):
        if len(vectors) or not things:
            keys[kind] = f"{video}/{kind}"
            artifacts.objects.put(keys[kind], to_npz(vectors.reshape(-1, vectors.shape[1] or 1), space))
    return keys


def store_frames(artifacts: ArtifactStore, vectors: F32, every: int, segments: int = 2) -> dict[str, list[str]]:
    """Object keys of frames and their vectors by kind, in order of segments: a frame `every` so many nanoseconds."""
    keys: dict[str, list[str]] = {"frames": [], "frame_vectors": []}
    for segment, rows in enumerate(np.array_split(np.arange(len(vectors)), segments)):
        frames = [SampledFrame(int(i), int(i) * every, TimeRange(int(i) * every, int(i + 1) * every)) for i in rows]
        for kind, found in keys.items():
            found.append(f"{VIDEO}/{kind}/{segment}")
        artifacts.save(keys["frames"][-1], SampledFrames("", tuple(frames)))
        artifacts.objects.put(keys["frame_vectors"][-1], to_npz(vectors[rows], "pictures"))
    return keys


def stage(artifacts: ArtifactStore, encoder: FakeEncoder | None = None, writing: Writing | None = None) -> Chaptering:
    """The stage on fakes."""
    sentences = encoder or FakeEncoder()
    return Chaptering(artifacts, sentences, Namer(sentences, FakeFunctionWords()), formats, Wanted(), writing)


def summarizing(
    artifacts: ArtifactStore, encoder: FakeEncoder | None = None, writing: Writing | None = None
) -> Summarizing:
    """Summaries on fakes."""
    return Summarizing(artifacts, encoder or FakeEncoder(), writing)


def answering(
    found: Sequence[Found] = (), encoder: FakeEncoder | None = None, writing: Writing | None = None
) -> Answering:
    """Answers on fakes."""
    return Answering(FakeMoments(found), encoder or FakeEncoder(), writing)


@contextmanager
def embedding_service(folder: Path) -> Iterator[str]:
    """host:port of the embedding service's own door, with fakes behind it."""
    encoder = embedding.FakeEncoder()
    joint, sentences = embedding.texts(encoder)
    pictures = embedding.FakePictures()
    service = Embedding(
        ArtifactStore(FolderStore(folder)), embedding.model(), encoder, pictures, joint, sentences, brought=pictures
    )
    server = create_server(ServerSettings(drain_s=0), [embedding_rpc.door(service, {})])
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        server.stop()
