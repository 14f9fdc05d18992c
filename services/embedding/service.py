"""The use case: text and pictures to vectors for whoever waits, segments and shots for the pipeline."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from services.core.artifacts import digest, job_keys
from services.core.errors import Incomplete, InvalidInput
from services.core.jobs import Job, Outputs, Progress
from services.core.jpegs import jpegs
from services.core.media import SampledFrames, Shots
from services.core.store import Artifacts
from services.core.vectors import classes_to_npz, from_npz, to_npz
from services.embedding.batches import Batch, ahead, batches
from services.embedding.domain.classes import Best
from services.embedding.domain.model import ALGORITHM, CLASSES_ALGORITHM, CLASSES_KEPT, Model
from services.embedding.domain.shots import ShotPooler
from services.embedding.domain.vectors import F32, U8, calibration
from services.embedding.ports import Encoder, Pictures
from services.embedding.texts import Texts, in_spaces

MAX_IMAGES = 64
MAX_IMAGES_BYTES = 15 << 20
"""A gRPC message carries no more."""
T = TypeVar("T")


@dataclass(frozen=True)
class TextVectors:
    """Unit vectors [n, d] of a space, and for each the middle and spread [n] of the curve from cosines to scores."""

    space: str
    vectors: F32
    middles: F32
    spreads: F32


class Embedding:
    """The stage. `pictures` opens those that decoding made, `brought` those that callers bring.

    `batch` canvases go in one inference, `in_flight` inferences are under way for one call.
    """

    def __init__(
        self,
        artifacts: Artifacts,
        model: Model,
        encoder: Encoder,
        pictures: Pictures,
        texts: Texts,
        sentences: Texts,
        *,
        brought: Pictures,
        batch: int = 16,
        in_flight: int = 3,
    ) -> None:
        self._artifacts = artifacts
        self._model = model
        self._encoder = encoder
        self._pictures = pictures
        self._brought = brought
        self._texts = texts
        self._sentences = sentences
        self._batch = batch
        self._in_flight = in_flight

    @property
    def space(self) -> str:
        return self._model.space

    def embed_text(self, texts: Sequence[str]) -> TextVectors:
        """Vectors of 1 to 64 texts of 1 to 10,000 characters each, in order, to compare with pictures.

        Raises InvalidInput.
        """
        return _calibrated(self._texts, self._texts.vectors(texts))

    def embed_sentences(self, texts: Sequence[str]) -> TextVectors:
        """The same, to compare with other texts."""
        return _calibrated(self._sentences, self._sentences.vectors(texts))

    def embed_both(self, texts: Sequence[str]) -> tuple[TextVectors, TextVectors]:
        """Both, of one inference where the model allows it."""
        if not self._model.cut_alike:
            return self.embed_text(texts), self.embed_sentences(texts)
        joint, sentence = in_spaces([self._texts, self._sentences], self._encoder.encode_both, texts)
        return _calibrated(self._texts, joint), _calibrated(self._sentences, sentence)

    def embed_images(self, images: Sequence[bytes]) -> F32:
        """Unit vectors of 1 to 64 JPEGs or PNGs, at most 15 MiB in all, in order. Raises InvalidInput naming one."""
        if not 1 <= len(images) <= MAX_IMAGES:
            rule = f"1 to {MAX_IMAGES} images"
            raise InvalidInput(f"{len(images)} images; wanted {rule}", fields={"images": rule})
        if (size := sum(map(len, images))) > MAX_IMAGES_BYTES:
            rule = f"at most {MAX_IMAGES_BYTES} bytes in all"
            raise InvalidInput(f"{size} bytes of images; {rule}", fields={"images": rule})
        found = np.empty((len(images), self._model.dimension), np.float32)
        with closing(self._encoded(self._opened(images), self._encoder.encode_images)) as encoded:
            for batch, vectors in encoded:
                found[batch.rows] = batch.pooled(vectors)
        return found

    def segment(self, job: Job, progress: Progress) -> Outputs:
        """embedding.segment: a vector a sampled frame, in the order of SampledFrames.frames, and its likeliest classes.

        The classes are left out when the model tells none.
        """
        sampled = self._artifacts.load(job.one("frames"), SampledFrames)
        n = len(sampled.frames)
        keys = self._segment_keys(job)
        outputs = Outputs(keys, {"vectors": n})
        if self._artifacts.have(keys.values()):
            return outputs
        progress(0, n)
        found = np.empty((n, self._model.dimension), np.float32)
        best = Best(n, self._model.classes, CLASSES_KEPT)
        encode = self._encoder.classify_images if self._model.classes else self._only_vectors
        done = 0
        with (
            self._artifacts.objects.open(sampled.tar_key) as tar,
            closing(self._encoded(self._frames(job, jpegs(tar, sampled.frames)), encode)) as encoded,
        ):
            for batch, (vectors, probabilities) in encoded:
                found[batch.rows] = batch.pooled(vectors)
                best.put(batch.rows, batch.averaged(probabilities))
                done += len(batch.rows)
                progress(done, n)
        if done != n:
            raise Incomplete(f"{done} vectors of {n} sampled frames")
        self._artifacts.objects.put(keys["frame_vectors"], to_npz(found, self._model.space))
        if "frame_classes" in keys:
            self._artifacts.objects.put(keys["frame_classes"], classes_to_npz(best.result()))
        return outputs

    def _segment_keys(self, job: Job) -> dict[str, str]:
        model = [ALGORITHM, self._model.space, self._model.image_version]
        keys = job_keys(job, ("frame_vectors",), model)
        if self._model.classes:
            # Apart, so that other names leave the vectors where they are.
            classes = [CLASSES_ALGORITHM, CLASSES_KEPT, digest(self._model.classes)]
            keys |= job_keys(job, ("frame_classes",), [*model, *classes])
        return keys

    def assemble(self, job: Job, progress: Progress) -> Outputs:
        """embedding.assemble: a vector a shot, from its frames' vectors; holds one segment at a time."""
        shots = self._artifacts.load(job.one("shots"), Shots).shots
        keys = job_keys(job, ("shot_vectors",), [ALGORITHM])
        outputs = Outputs(keys, {"vectors": len(shots)})
        if self._artifacts.have(keys.values()):
            return outputs
        segments = list(zip(job.inputs.get("frames", ()), job.inputs.get("frame_vectors", ()), strict=False))
        if not segments or len(segments) != max(len(job.inputs["frames"]), len(job.inputs["frame_vectors"])):
            raise Incomplete("embedding.assemble needs the frames and the frame_vectors of every segment")
        pooler = ShotPooler(shots)
        spaces = set()
        for done, (frames_key, vectors_key) in enumerate(segments):
            progress(done, len(segments))
            vectors, space = self._vectors(vectors_key)
            pooler.add(self._artifacts.load(frames_key, SampledFrames).frames, vectors)
            spaces.add(space)
        if len(spaces) > 1:
            raise Incomplete(f"the segments have vectors of several spaces, {sorted(spaces)}: embed the video again")
        self._artifacts.objects.put(keys["shot_vectors"], to_npz(pooler.result(), spaces.pop()))
        progress(len(segments), len(segments))
        return outputs

    def _encoded(
        self, pictures: Iterator[tuple[int, U8]], encode: Callable[[U8], T]
    ) -> Generator[tuple[Batch, T], None, None]:
        packed = batches(pictures, self._batch)
        yield from ahead(lambda batch: encode(batch.canvases), packed, self._in_flight)

    def _only_vectors(self, canvases: U8) -> tuple[F32, F32]:
        return self._encoder.encode_images(canvases), np.zeros((len(canvases), 0), np.float32)

    def _opened(self, images: Sequence[bytes]) -> Iterator[tuple[int, U8]]:
        for row, data in enumerate(images):
            try:
                yield row, self._brought.canvases(data)
            except InvalidInput as error:
                field = f"images[{row}]"
                raise type(error)(f"{field}: {error.message}", fields={field: error.message}) from error

    def _frames(self, job: Job, files: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, U8]]:
        for row, data in files:
            try:
                yield row, self._pictures.canvases(data)
            except InvalidInput as error:
                raise Incomplete(f"segment {job.segment}, sampled frame {row}: {error.message}") from error

    def _vectors(self, key: str) -> tuple[F32, str]:
        try:
            return from_npz(self._artifacts.objects.get(key))
        except ValueError as error:
            raise Incomplete(f"object {key}: {error}: embed the segment again") from error


def _calibrated(texts: Texts, vectors: F32) -> TextVectors:
    space = texts.space
    return TextVectors(space.name, vectors, *calibration(vectors, space.background, space.centre, space.scale))
