"""The use case: what stands out in a video, or answers a query, and what a short version of it keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.chaptering import sources
from services.chaptering.domain.curves import Steps
from services.chaptering.domain.matching import Asked, answers
from services.chaptering.domain.material import Material
from services.chaptering.domain.peaks import highlights
from services.chaptering.domain.pictures import Pictures
from services.chaptering.domain.saliency import eased, saliency
from services.chaptering.domain.skim import skim
from services.chaptering.ports import QueryEncoder
from services.core.chapters import Highlights, Skim
from services.core.errors import Incomplete, InvalidInput
from services.core.store import Artifacts
from services.core.times import TimeRange

F64 = npt.NDArray[np.float64]

BESIDE = 0.1
"""What stands out counts so much beside a focus: it fills a skim where little is said or shown of that."""


@dataclass(frozen=True)
class _Video:
    material: Material
    texts: str
    """The space of its passages' vectors."""
    pictures: Pictures


class Highlighting:
    """Finds highlights and skims of videos whose artifacts have the given keys; nothing is stored.

    `segments` are keys of what each segment has, in order. All raise InvalidInput, which names the field; Incomplete
    for vectors that do not fit; Unavailable and TimedOut when a query cannot be encoded.
    """

    def __init__(self, artifacts: Artifacts, queries: QueryEncoder) -> None:
        self._artifacts = artifacts
        self._queries = queries

    def highlights(
        self, keys: Mapping[str, str], segments: Mapping[str, Sequence[str]], query: str, limit: int
    ) -> Highlights:
        """The curve of what stands out, or with a query of how well that is answered; at most `limit` maxima."""
        video = self._load(keys, segments)
        duration = video.material.duration
        curve = (
            self._answers(video, query, "query") if query else eased(saliency(video.material, video.pictures), duration)
        )
        found = highlights(curve, video.material, limit)
        return Highlights(Steps(duration).length, tuple(curve.tolist()), found)

    def skim(
        self,
        keys: Mapping[str, str],
        segments: Mapping[str, Sequence[str]],
        chapters: Sequence[TimeRange],
        length: int,
        focus: str,
    ) -> Skim:
        """At most `length` ns of a video; of what is in focus, where that is not ""."""
        video = self._load(keys, segments)
        curve = saliency(video.material, video.pictures)
        if focus:
            curve = np.maximum(BESIDE * curve, self._answers(video, focus, "focus"))
        return skim(video.material, video.pictures, curve, chapters, length, focused=bool(focus))

    def _load(self, keys: Mapping[str, str], segments: Mapping[str, Sequence[str]]) -> _Video:
        material, texts = sources.load(self._artifacts, keys)
        return _Video(material, texts, sources.pictures(self._artifacts, keys, segments, material))

    def _answers(self, video: _Video, text: str, field: str) -> F64:
        try:
            picture, meaning = self._queries.encode(text)
        except InvalidInput as error:
            raise InvalidInput(f"{field}: {error.message}", fields={field: error.message}) from error
        for made, kept, what in ((picture, video.pictures.space, "pictures"), (meaning, video.texts, "passages")):
            if kept and made.space != kept:
                raise Incomplete(f"the {what}' vectors are of space {kept}, not {made.space}: embed the video again")
        asked = Asked(text, picture.vectors[0], picture.curves[0], meaning.vectors[0], meaning.curves[0])
        return answers(video.material, video.pictures, asked)
