"""What a summary is to be about, where it is not about everything."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.chaptering.domain.grounds import score

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

ABOUT = 0.1
"""Score from which a sentence is about a focus. With the built-in pack, of 40 lectures with their own title as focus
39 had a sentence that scored as much, and with titles of the others half had none; of eleven foci that have nothing to
do with four talks ("cooking pasta") the best sentence had 0.07 at most, of ten that have 0.12 at least."""


@dataclass(frozen=True)
class Focus:
    """`vector` [d] of what is wanted, in the space of the passages' vectors; `curve` [2] as in `ports.TextVectors`."""

    vector: F32
    curve: F64

    def cosines(self, rows: F32) -> F64:
        """[n] of sentences' vectors [n, d]."""
        found: F64 = rows.astype(np.float64) @ self.vector.astype(np.float64)
        return found

    def about(self, rows: F32) -> npt.NDArray[np.bool_]:
        """[n]: which sentences are about it."""
        found: npt.NDArray[np.bool_] = score(self.cosines(rows), self.curve) >= ABOUT
        return found
