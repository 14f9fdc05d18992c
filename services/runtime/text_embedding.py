"""Texts as vectors, by asking the embedding service."""

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import numpy as np
import numpy.typing as npt
from vidx.embedding.v1 import embedding_service_pb2 as pb
from vidx.embedding.v1.embedding_service_pb2_grpc import EmbeddingServiceStub

from services.core.deadlines import Deadline
from services.core.errors import Internal
from services.runtime import grpc_client

BATCH = 64
"""Texts that one call takes."""


@dataclass(frozen=True)
class Embedded:
    """Unit vectors [n, d] of texts in `space`; vectors of different spaces must not be compared.

    `curves` [n, 2] are the middle and the spread of each text's curve from a cosine to a score, as `Calibration` says.
    """

    space: str
    vectors: npt.NDArray[np.float32]
    curves: npt.NDArray[np.float64]


class TextEmbedding:
    """Any number of threads may call."""

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._embed_text = EmbeddingServiceStub(channel).EmbedText
        self._timeout_s = timeout_s

    def encode(
        self, texts: Sequence[str], spaces: Sequence[pb.TextSpace.ValueType], until: Deadline | None = None
    ) -> tuple[Embedded, ...]:
        """Any number of texts of 1 to 10,000 characters, in order, in each of the spaces; before the deadline.

        Raises Unavailable, TimedOut, and InvalidInput for a text in which the model finds nothing to read.
        """
        parts = [self._ask(texts[at : at + BATCH], spaces, until) for at in range(0, len(texts), BATCH)]
        return tuple(_joined([part[i] for part in parts]) for i in range(len(spaces)))

    def _ask(
        self, texts: Sequence[str], spaces: Sequence[pb.TextSpace.ValueType], until: Deadline | None
    ) -> list[Embedded]:
        wait = self._timeout_s if until is None else min(self._timeout_s, until.left())
        response = grpc_client.call(self._embed_text, pb.EmbedTextRequest(texts=texts, text_spaces=spaces), wait)
        counts = [(len(one.vectors), len(one.calibrations)) for one in response.spaces]
        if counts != [(len(texts), len(texts))] * len(spaces):
            raise Internal(f"the embedding service gave {counts} vectors and curves of {len(texts)} texts")
        return [
            Embedded(
                one.space,
                np.array([vector.values for vector in one.vectors], np.float32),
                np.array([(curve.middle, curve.spread) for curve in one.calibrations]),
            )
            for one in response.spaces
        ]


def _joined(parts: Sequence[Embedded]) -> Embedded:
    spaces = sorted({part.space for part in parts})
    if len(spaces) > 1:
        raise Internal(f"the embedding service changed its space from one call to the next: {spaces}")
    if not parts:
        return Embedded("", np.zeros((0, 0), np.float32), np.zeros((0, 2)))
    return Embedded(
        spaces[0], np.concatenate([part.vectors for part in parts]), np.concatenate([part.curves for part in parts])
    )
