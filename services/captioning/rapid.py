"""Text in pictures, read by RapidOCR (PP-OCR models in its wheel, on ONNX Runtime); nothing is downloaded."""

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import rapidocr
from rapidocr import RapidOCR
from rapidocr.ch_ppocr_rec import TextRecInput

from services.captioning.domain.ink import drawn
from services.captioning.ports import U8
from services.core.errors import Internal
from services.core.text import Box, TextLine

GLANCE_SIDE = 224
"""Pixels of the longer side for a glance: text of 28 pixels at 720 lines is still found."""
_GLANCE = {"Det.thresh": 0.2, "Det.box_thresh": 0.3}
"""Below RapidOCR's own, for small letters are faint when made smaller yet."""
READ_SIDE = 960
_LEGIBLE = 0.5
"""Least confidence of a place that makes the whole picture be read."""
_MOST_TRIED = 1
"""More places than that are read at once."""
_ROOM = 16
"""Pixels around a place in which text is looked for."""
_MODELS = Path(rapidocr.__file__).parent / "models"
_DETECTOR = _MODELS / "PP-OCRv6_det_small.onnx"
_RECOGNIZER = _MODELS / "PP-OCRv6_rec_small.onnx"


class RapidReader:
    """Implements `ports.TextReader` with two instances of RapidOCR, of which one only detects."""

    def __init__(self, threads: int) -> None:
        missing = [file.name for file in (_DETECTOR, _RECOGNIZER) if not file.is_file()]
        if missing:
            raise Internal(f"the rapidocr package does not hold {', '.join(missing)}: install the pinned version")
        self._glance = _engine(GLANCE_SIDE, threads, recognize=False)
        self._read = _engine(READ_SIDE, threads, recognize=True)

    @property
    def version(self) -> str:
        return f"rapidocr:{version('rapidocr')}:{_RECOGNIZER.stem}:{GLANCE_SIDE}:{READ_SIDE}"

    def glance(self, picture: U8) -> tuple[Box, ...]:
        return _boxes(getattr(self._glance(_bgr(picture)), "boxes", None), picture)

    def read(self, picture: U8, places: Sequence[Box] = ()) -> tuple[TextLine, ...]:
        if places and not self._legible(picture, places):
            return ()
        part = drawn(picture)
        if part is None:
            return ()
        found = self._read(_bgr(part.pixels))
        texts, scores = getattr(found, "txts", None), getattr(found, "scores", None)
        if not texts or not scores:
            return ()
        boxes = map(part.back, _boxes(getattr(found, "boxes", None), part.pixels))
        lines = zip(texts, boxes, scores, strict=True)
        return tuple(TextLine(_plain(text), box, min(1.0, max(0.0, float(score)))) for text, box, score in lines)

    def _legible(self, picture: U8, places: Sequence[Box]) -> bool:
        """True unless all places are textures; a quarter of the cost of reading."""
        return len(places) > _MOST_TRIED or any(self._has_words(_cut(picture, place)) for place in places)

    def _has_words(self, part: U8) -> bool:
        if part.shape[0] > 1.5 * part.shape[1]:
            # Turned text, or lines below each other: found as in a picture.
            found: Any = self._read(_bgr(np.pad(part, ((_ROOM, _ROOM), (_ROOM, _ROOM), (0, 0)), "edge")))
        else:
            recognize: Any = self._read.text_rec
            found = recognize(TextRecInput(img=[_bgr(part)], return_word_box=False))
        texts, scores = getattr(found, "txts", None) or (), getattr(found, "scores", None) or ()
        return any(len(text) > 1 and score >= _LEGIBLE for text, score in zip(texts, scores, strict=True))


def _engine(side: int, threads: int, recognize: bool) -> RapidOCR:
    engine = RapidOCR(
        params={
            "Global.use_cls": False,
            "Global.use_rec": recognize,
            "Global.log_level": "error",
            # Doubtful text is left to the rules of the domain.
            "Global.text_score": 0.0,
            "Det.limit_type": "max",
            "Det.limit_side_len": side,
            "Det.model_path": str(_DETECTOR),
            "Rec.model_path": str(_RECOGNIZER),
            # RapidOCR passes over a number larger than that of the processors, and then takes all.
            "EngineConfig.onnxruntime.intra_op_num_threads": min(threads, os.cpu_count() or 1),
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            **({} if recognize else _GLANCE),
        }
    )
    # Models are loaded when first needed: now, so that a broken one stops the start.
    blank = np.full((64, 64, 3), 255, np.uint8)
    if recognize:
        engine(blank, use_det=False)
    engine(blank, use_det=True)
    return engine


def _cut(picture: U8, place: Box) -> U8:
    """The pixels of a place, 4 x 4 at least."""
    h, w = picture.shape[:2]
    top, left = int(place.top * h), int(place.left * w)
    part: U8 = picture[top : max(top + 4, round(place.bottom * h)), left : max(left + 4, round(place.right * w))]
    return part


def _bgr(picture: U8) -> U8:
    return np.ascontiguousarray(picture[:, :, ::-1])


def _boxes(corners: Any, picture: U8) -> tuple[Box, ...]:
    if corners is None:
        return ()
    size = np.array([picture.shape[1], picture.shape[0]], np.float64)
    return tuple(
        Box(*np.clip(np.concatenate([(c / size).min(0), (c / size).max(0)]), 0.0, 1.0).tolist())
        for c in np.asarray(corners, np.float64)
    )


def _plain(text: str) -> str:
    """On one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
