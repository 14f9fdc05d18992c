"""Vectors of texts by the built-in pack in this process: the ONNX file that Triton runs, without a model server."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from services.chaptering.ports import TextVectors
from services.packs.manifest import Sentence, Text

BATCH = 32


class PackEncoder:
    """One of the pack's two spaces of texts, `space`; what is longer than the model's window is cut off. With the
    sentence encoder it implements `chaptering.ports.SentenceEncoder`.

    Vectors are kept, so that a text is encoded once.
    """

    def __init__(self, folder: Path, role: Text | Sentence, space: str) -> None:
        self.space = space
        self._role = role
        self._tokens = Tokenizer.from_file(str(folder / role.tokenizer))
        self._tokens.no_padding()
        self._tokens.enable_truncation(role.max_tokens)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        path = folder / role.model / role.version / "model.onnx"
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._known: dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}

    def encode(self, texts: Sequence[str]) -> TextVectors:
        # Of like length together: the shorter ones of a batch are padded.
        new = sorted({text for text in texts if text not in self._known}, key=lambda text: (len(text), text))
        for i in range(0, len(new), BATCH):
            part = new[i : i + BATCH]
            self._known.update(zip(part, self._encode(part), strict=True))
        rows = np.array([self._known[text] for text in texts], np.float32).reshape(len(texts), self._role.dimension)
        return TextVectors(self.space, rows)

    def _encode(self, texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        ids = [self._tokens.encode(text).ids for text in texts]
        table = np.zeros((len(ids), max(map(len, ids))), np.int64)
        mask = np.zeros_like(table)
        for row, found in enumerate(ids):
            table[row, : len(found)], mask[row, : len(found)] = found, 1
        role = self._role
        (vectors,) = self._session.run([role.output], {role.ids: table, role.mask: mask})
        return np.asarray(vectors, np.float32)
