"""Captions by a model of the pack, served by Triton: pictures in, text out."""

from collections.abc import Sequence

import numpy as np

from services.captioning.ports import Candidate, View
from services.core.errors import Internal
from services.packs import canvas
from services.packs.manifest import Captioner
from services.runtime.pictures import opened
from services.runtime.triton import Triton

PICTURES = 2
"""Of a shot; each is captioned, and the captions of all compete."""
MOST_BRIEF, MOST_DETAILED = 300, 2000


class TritonCaptioner:
    """Implements `ports.Captioner` for a served model, as `packs.manifest.Captioner` describes it.

    The first line of a caption is its brief text, what follows the detailed one.
    """

    def __init__(self, triton: Triton, role: Captioner, max_pixels: int) -> None:
        self._triton = triton
        self._role = role
        self._max_pixels = max_pixels

    @property
    def model(self) -> str:
        return self._role.model

    @property
    def version(self) -> str:
        r = self._role
        return f"triton:{r.model}:{r.version}:{r.height}x{r.width}:{PICTURES}"

    @property
    def pictures(self) -> int:
        return PICTURES

    def captions(self, view: View) -> Sequence[Candidate]:
        r = self._role
        laid = [canvas.lay(opened(picture, self._max_pixels), r.height, r.width) for picture in view.pictures]
        if not laid:
            return ()
        outputs = self._triton.infer(r.model, {r.input: np.stack(laid)}, version=r.version)
        texts = outputs.get(r.output)
        if texts is None or texts.ndim != 2 or len(texts) != len(laid) or texts.dtype.kind not in "OS":
            found = sorted(outputs) if texts is None else f"{texts.dtype} {texts.shape}"
            raise Internal(f"model {r.model} answered {found}, not texts {r.output} ({len(laid)}, captions)")
        candidates = [_candidate(bytes(text)) for text in texts.ravel()]
        return tuple(dict.fromkeys(candidate for candidate in candidates if candidate.brief))


def _candidate(text: bytes) -> Candidate:
    brief, _, detailed = text.decode("utf-8", "replace").strip().partition("\n")
    return Candidate(_plain(brief)[:MOST_BRIEF], _plain(detailed)[:MOST_DETAILED])


def _plain(text: str) -> str:
    """On one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
