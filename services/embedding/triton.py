"""The models, served by Triton."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.core.errors import Internal
from services.embedding.domain.vectors import F32, U8, unit
from services.packs.manifest import Manifest
from services.runtime.triton import Array, Triton


class TritonEncoder:
    """Implements `ports.Encoder` for a built pack's models."""

    def __init__(self, triton: Triton, manifest: Manifest) -> None:
        self._triton = triton
        self._visual = manifest.visual_encoder
        self._text = manifest.text_encoder

    def encode_images(self, canvases: U8) -> F32:
        v = self._visual
        return self._vectors(v.model, v.version, {v.input: canvases}, v.output, (len(canvases), v.dimension))

    def encode_texts(self, windows: Sequence[Sequence[int]]) -> F32:
        t = self._text
        ids = np.zeros((len(windows), max(map(len, windows))), np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        return self._vectors(t.model, t.version, {t.ids: ids, t.mask: mask}, t.output, (len(windows), t.dimension))

    def _vectors(
        self, model: str, version: str, inputs: Mapping[str, Array], output: str, shape: tuple[int, int]
    ) -> F32:
        outputs = self._triton.infer(model, inputs, version=version)
        vectors = outputs.get(output)
        if vectors is None or vectors.shape != shape:
            found = sorted(outputs) if vectors is None else vectors.shape
            raise Internal(f"model {model} answered {found}, not {output} {shape}: does Triton serve this pack?")
        try:
            return unit(vectors)
        except ValueError as error:
            raise Internal(f"model {model}: {error}") from error
