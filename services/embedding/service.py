"""The use case: text and pictures to vectors for whoever waits, segments and shots for the pipeline."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from services.core.artifacts import job_keys
from services.core.errors import Incomplete, InvalidInput
from services.core.jobs import Job, Outputs, Progress
from services.core.media import SampledFrames, Shots
from services.core.store import Artifacts
from services.core.vectors import from_npz, to_npz
from services.embedding.batches import Batch, ahead, batches
from services.embedding.domain.model import ALGORITHM, Model
from services.embedding.domain.shots import ShotPooler
from services.embedding.domain.vectors import F32, U8, calibration
from services.embedding.jpegs import jpegs
from services.embedding.ports import Encoder, Pictures
from services.embedding.texts import Texts

MAX_IMAGES = 64
MAX_IMAGES_BYTES = 15 << 20
"""A gRPC message carries no more."""


@dataclass(frozen=True)
class TextVectors:
    """Unit vectors [n, d], and for each the middle and spread [n] of the curve from its cosines to scores."""

    vectors: F32
    middles: F32
    spreads: F32


class Embedding:
    """The stage. `batch` canvases go in one inference, `in_flight` inferences are under way for one call."""

    def __init__(
        self,
        artifacts: Artifacts,
        model: Model,
        encoder: Encoder,
        pictures: Pictures,
        texts: Texts,
        *,
        batch: int = 16,
        in_flight: int = 3,
    ) -> None:
        self._artifacts = artifacts
        self._model = model
        self._encoder = encoder
        self._pictures = pictures
        self._texts = texts
        self._batch = batch
        self._in_flight = in_flight

    @property
    def space(self) -> str:
        return self._model.space

    def embed_text(self, texts: Sequence[str]) -> TextVectors:
        """Vectors of 1 to 64 texts of 1 to 10,000 characters each, in order. Raises InvalidInput."""
        vectors = self._texts.vectors(texts)
        model = self._model
        return TextVectors(vectors, *calibration(vectors, model.background, model.centre, model.scale))

    def embed_images(self, images: Sequence[bytes]) -> F32:
        """Unit vectors of 1 to 64 JPEGs or PNGs, at most 15 MiB in all, in order. Raises InvalidInput naming one."""
        if not 1 <= len(images) <= MAX_IMAGES:
            rule = f"1 to {MAX_IMAGES} images"
            raise InvalidInput(f"{len(images)} images; wanted {rule}", fields={"images": rule})
        if (size := sum(map(len, images))) > MAX_IMAGES_BYTES:
            rule = f"at most {MAX_IMAGES_BYTES} bytes in all"
            raise InvalidInput(f"{size} bytes of images; {rule}", fields={"images": rule})
        found = np.empty((len(images), self._model.dimension), np.float32)
        with closing(self._encoded(self._opened(images))) as encoded:
            for batch, vectors in encoded:
                found[batch.rows] = vectors
        return found

    def segment(self, job: Job, progress: Progress) -> Outputs:
        """embedding.segment: a vector a sampled frame, in the order of SampledFrames.frames."""
        sampled = self._artifacts.load(job.one("frames"), SampledFrames)
        n = len(sampled.frames)
        keys = job_keys(job, ("frame_vectors",), [ALGORITHM, self._model.space, self._model.image_version])
        outputs = Outputs(keys, {"vectors": n})
        if self._artifacts.have(keys.values()):
            return outputs
        progress(0, n)
        found = np.empty((n, self._model.dimension), np.float32)
        done = 0
        with (
            self._artifacts.objects.open(sampled.tar_key) as tar,
            closing(self._encoded(self._frames(job, jpegs(tar, sampled.frames)))) as encoded,
        ):
            for batch, vectors in encoded:
                found[batch.rows] = vectors
                done += len(batch.rows)
                progress(done, n)
        if done != n:
            raise Incomplete(f"{done} vectors of {n} sampled frames")
        self._artifacts.objects.put(keys["frame_vectors"], to_npz(found, self._model.space))
        return outputs

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

    def _encoded(self, pictures: Iterator[tuple[int, U8]]) -> Generator[tuple[Batch, F32], None, None]:
        packed = batches(pictures, self._batch)
        for batch, vectors in ahead(lambda b: self._encoder.encode_images(b.canvases), packed, self._in_flight):
            yield batch, batch.pooled(vectors)

    def _opened(self, images: Sequence[bytes]) -> Iterator[tuple[int, U8]]:
        for row, data in enumerate(images):
            try:
                yield row, self._pictures.canvases(data)
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
