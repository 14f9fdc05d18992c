"""The models, served by Triton."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.core.errors import Internal, Unavailable
from services.embedding.domain.vectors import F32, U8, unit
from services.packs.manifest import Manifest, Sentence, Text, Visual
from services.runtime.triton import Array, Triton


class TritonEncoder:
    """Implements `ports.Encoder` for a built pack's models; the image encoder tells so many classes apart."""

    def __init__(self, triton: Triton, manifest: Manifest, classes: int = 0) -> None:
        self._triton = triton
        self._visual = manifest.visual_encoder
        self._text = manifest.text_encoder
        self._sentence = manifest.sentence_encoder
        self._classes = classes

    def encode_images(self, canvases: U8) -> F32:
        v = self._visual
        shapes = {v.output: (len(canvases), v.dimension)}
        return _unit(v.model, self._infer(v, {v.input: canvases}, shapes)[v.output])

    def classify_images(self, canvases: U8) -> tuple[F32, F32]:
        v = self._visual
        shapes = {v.output: (len(canvases), v.dimension), v.class_output: (len(canvases), self._classes)}
        outputs = self._infer(v, {v.input: canvases}, shapes)
        probabilities = outputs[v.class_output]
        if not np.isfinite(probabilities).all():
            raise Internal(f"model {v.model}: a probability is not finite")
        return _unit(v.model, outputs[v.output]), probabilities

    def encode_texts(self, windows: Sequence[Sequence[int]]) -> F32:
        return self._tokens(self._text, windows)

    def encode_sentences(self, windows: Sequence[Sequence[int]]) -> F32:
        return self._tokens(self._sentence, windows)

    def encode_both(self, windows: Sequence[Sequence[int]]) -> tuple[F32, F32]:
        text, sentence = self._text, self._sentence
        if (text.model, text.version) != (sentence.model, sentence.version):
            return self.encode_texts(windows), self.encode_sentences(windows)
        shapes = {role.output: (len(windows), role.dimension) for role in (text, sentence)}
        outputs = self._infer(text, _ids(text, windows), shapes)
        return _unit(text.model, outputs[text.output]), _unit(text.model, outputs[sentence.output])

    def _tokens(self, t: Text | Sentence, windows: Sequence[Sequence[int]]) -> F32:
        return _unit(t.model, self._infer(t, _ids(t, windows), {t.output: (len(windows), t.dimension)})[t.output])

    def _infer(
        self, role: Visual | Text | Sentence, inputs: Mapping[str, Array], shapes: Mapping[str, tuple[int, int]]
    ) -> dict[str, Array]:
        """The outputs that `shapes` names, of those shapes."""
        outputs = self._triton.infer(role.model, inputs, outputs=list(shapes), version=role.version)
        for name, shape in shapes.items():
            found = outputs.get(name)
            if found is not None and found.shape[1:] == shape[1:] and len(found) != shape[0]:
                # Seen when Triton's processes were killed or stood still: the answer of another call.
                raise Unavailable(f"model {role.model} answered {len(found)} rows to a call with {shape[0]}")
            if found is None or found.shape != shape:
                what = sorted(outputs) if found is None else found.shape
                raise Internal(f"model {role.model} answered {what}, not {name} {shape}: does Triton serve this pack?")
        return outputs


def _ids(t: Text | Sentence, windows: Sequence[Sequence[int]]) -> dict[str, Array]:
    """The windows as the model takes them, padded with zeros, and which places hold a token."""
    ids = np.zeros((len(windows), max(map(len, windows))), np.int64)
    mask = np.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = window
        mask[row, : len(window)] = 1
    return {t.ids: ids, t.mask: mask}


def _unit(model: str, vectors: Array) -> F32:
    try:
        return unit(vectors)
    except ValueError as error:
        raise Internal(f"model {model}: {error}") from error
