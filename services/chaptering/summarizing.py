"""The use case: summaries that somebody waits for, of a video, a part of it, or several videos together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.chaptering import sources
from services.chaptering.asking import Asking, Writing
from services.chaptering.domain.extracts import extract
from services.chaptering.domain.focus import Focus
from services.chaptering.domain.material import Material
from services.chaptering.domain.several import Part, lay
from services.chaptering.domain.sharing import share
from services.chaptering.ports import SentenceEncoder
from services.chaptering.summing import Summing
from services.core.chapters import Chapter, Length, Summary
from services.core.errors import Incomplete, InvalidInput, VidxError
from services.core.jobs import Progress, no_progress
from services.core.store import Artifacts
from services.core.times import TimeRange

UNSAID = ("shots", "shot_vectors", "on_screen_text")
"""Kinds that sum nothing up; they are not read of several videos."""


@dataclass(frozen=True)
class Known:
    """A video of several, by its resource name: object keys of its artifacts by kind, and its chapters."""

    video: str
    keys: Mapping[str, str]
    chapters: Sequence[Chapter] = ()


@dataclass(frozen=True)
class Wish:
    """How long a summary is to be, and what it is to be about; "" for everything.

    `left` are the seconds that the caller gives to a language model, None for no bound.
    """

    length: Length = Length.MEDIUM
    focus: str = ""
    left: float | None = None


class Summarizing:
    """Summaries of videos whose artifacts have the given keys; nothing is stored.

    With a language model (`writing`) they are by it, as far as it answers. All raise InvalidInput; Incomplete for
    vectors that do not fit; Unavailable and TimedOut when a focus cannot be encoded.
    """

    def __init__(self, artifacts: Artifacts, sentences: SentenceEncoder, writing: Writing | None = None) -> None:
        self._artifacts = artifacts
        self._sentences = sentences
        self._writing = writing

    def summary(
        self,
        keys: Mapping[str, str],
        chapters: Sequence[Chapter],
        scope: TimeRange | None,
        wish: Wish,
        progress: Progress = no_progress,
    ) -> Summary:
        """Of a range of a video, or of the whole."""
        progress(0, 1)
        material, space = sources.load(self._artifacts, keys)
        whole = TimeRange(0, material.duration)
        scope = whole if scope is None else scope.intersection(whole)
        if scope is None:
            rule = f"inside the video's {material.duration / 1e9:.3f} s"
            raise InvalidInput(f"the range is not {rule}", fields={"range": rule})
        focus = self._focus(wish.focus, material, space)
        ranges = [chapter.range for chapter in chapters]
        number = ranges.index(scope) if scope in ranges else -1
        found = Summary(scope, wish.length, extract(material, ranges, scope, wish.length, focus), number, wish.focus)
        asking = self._asking(wish)
        if asking is None:
            return found
        return Summing(asking, self._sentences, material, space, ranges).summary(found, focus, progress)

    def together(self, videos: Sequence[Known], wish: Wish, progress: Progress = no_progress) -> Summary:
        """Of several videos, one after the other."""
        progress(0, 1)
        parts, spaces = [], dict[tuple[str, int], str]()
        for i, known in enumerate(videos):
            material, space = self._said(i, known)
            parts.append(Part(known.video, material, tuple(chapter.range for chapter in known.chapters)))
            if len(material.passage_vectors):
                spaces.setdefault((space, material.passage_vectors.shape[1]), known.video)
        if len(spaces) > 1:
            shown = ", ".join(f"{space or 'no name'} ({video})" for (space, _), video in spaces.items())
            raise Incomplete(f"the passages' vectors are of several spaces, {shown}: embed these videos again")
        space = next((space for space, _ in spaces), "")
        laid = lay(parts)
        focus = self._focus(wish.focus, laid.material, space)
        chosen = share(laid, wish.length, focus)
        found = Summary(laid.whole, wish.length, chosen, focus=wish.focus)
        asking = self._asking(wish)
        if asking is not None:
            model = Summing(asking, self._sentences, laid.material, space, laid.chapters, laid.spans)
            found = model.summary(found, focus, progress)
        return replace(
            found, range=None, sentences=laid.apart(found.sentences), videos=tuple(known.video for known in videos)
        )

    def _said(self, number: int, known: Known) -> tuple[Material, str]:
        """What is known of one of several videos. Errors name it."""
        try:
            return sources.load(self._artifacts, {kind: key for kind, key in known.keys.items() if kind not in UNSAID})
        except VidxError as error:
            fields = {f"videos[{number}].{field}": rule for field, rule in error.fields.items()}
            raise type(error)(f"{known.video}: {error.message}", fields=fields) from error

    def _focus(self, text: str, material: Material, space: str) -> Focus | None:
        """The focus, where there is one and vectors are known to compare it with."""
        if not text or not len(material.passage_vectors):
            return None
        encoded = self._sentences.encode([text])
        if encoded.space != space:
            raise Incomplete(f"the passages' vectors are of space {space}, not {encoded.space}: embed the video again")
        return Focus(encoded.vectors[0], encoded.curves[0])

    def _asking(self, wish: Wish) -> Asking | None:
        return self._writing.call(wish.left) if self._writing else None
