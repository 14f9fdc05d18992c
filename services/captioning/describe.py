"""Use cases of captions: describe the shots of a segment, or the pictures that somebody brings."""

from collections.abc import Callable, Mapping, Sequence

from services.captioning.asking import Asking
from services.captioning.domain.agreement import best
from services.captioning.domain.parts import rows_of, spread
from services.captioning.part import Part
from services.captioning.ports import Candidate, Captioner, TextEncoder, View
from services.core.artifacts import job_keys
from services.core.errors import Conflict, Incomplete, InvalidInput
from services.core.jobs import Fault, Job, Outputs, Progress
from services.core.store import Artifacts
from services.core.text import Caption, Captions
from services.core.times import TimeRange

VERSION = 1
"""Grows when the same inputs and captioner give other captions."""
LEAST_AGREEMENT = 0.1
"""A caption is to be dropped when it plainly speaks of something else, not when the encoder is too small to see what
it says: of captions that people wrote the built-in pack gives 85 of 100 more than this, of other pictures' 25."""
MAX_IMAGES, MAX_IMAGES_BYTES = 8, 15 << 20
NOTHING = ""
"""The brief text of a shot that was asked about, and of which nothing is said."""


class Describing:
    """Captions shots. `least` is the agreement below which a caption is dropped, `budget_s` seconds for a video."""

    def __init__(
        self,
        artifacts: Artifacts,
        captioner: Captioner,
        encoder: TextEncoder,
        *,
        least: float = LEAST_AGREEMENT,
        budget_s: float = 600.0,
        asking: Callable[[Captioner, float], Asking] = Asking,
    ) -> None:
        self._artifacts = artifacts
        self._captioner = captioner
        self._encoder = encoder
        self._least = least
        self._budget_s = budget_s
        self._asking = asking

    def caption(self, images: Sequence[bytes], made_anew: Callable[[bytes], bytes]) -> Caption | None:
        """A caption of 1 to 8 pictures of one shot; None when nothing can be said. Raises InvalidInput, Unavailable.

        Of those that are looked at the captioner is shown what `made_anew` makes.
        """
        if not 1 <= len(images) <= MAX_IMAGES or sum(map(len, images)) > MAX_IMAGES_BYTES:
            rule = f"1 to {MAX_IMAGES} pictures of at most {MAX_IMAGES_BYTES} bytes in all"
            raise InvalidInput(f"wanted {rule}", fields={"images": rule})
        if not self._captioner.pictures:
            raise Conflict("the captioner goes by a video's classes and looks at no pictures: index a video, or set "
                           "VIDX_CAPTIONING_CHAT_URL")  # fmt: skip
        found = self._captioner.captions(
            View(tuple(made_anew(images[i]) for i in spread(range(len(images)), self._captioner.pictures)))
        )
        return self._caption(0, TimeRange(0, 0), found[0], 0.0) if found else None

    def segment(self, job: Job, progress: Progress) -> Outputs:
        """captioning.describe: captions of the shots that begin in a segment."""
        parameters = {
            "version": VERSION, "captioner": self._captioner.version, "model": self._captioner.model,
            "least": self._least,
        }  # fmt: skip
        keys = job_keys(job, ("descriptions",), parameters)
        if self._artifacts.have(keys.values()):
            return Outputs(keys, {"captions": len(self._artifacts.load(keys["descriptions"], Captions).captions)})
        so_far_key = job_keys(job, ("descriptions",), {**parameters, "so far": True})["descriptions"]
        known = self._so_far(so_far_key)
        part = Part(self._artifacts, job)
        asking = self._asking(self._captioner, self._budget_s * part.share)
        answers: dict[int, Sequence[Candidate]] = {}
        missing: list[int] = []
        for done, shot in enumerate(part.shots):
            progress(done, len(part.shots))
            if shot.index in known:
                continue
            candidates = asking.captions(part.view(shot, self._captioner.pictures))
            if candidates is None:
                missing.append(shot.index)
            else:
                answers[shot.index] = candidates
        known |= self._chosen(part, answers)
        made = Captions(tuple(known[index] for index in sorted(known)))
        if missing and made.captions:
            # Kept for the next attempt, which then asks for the others only.
            self._artifacts.save(so_far_key, made)
        if not known:
            asking.check()
        if missing:
            keys = job_keys(job, ("descriptions",), {**parameters, "missing": missing})
        kept = tuple(caption for caption in made.captions if caption.brief != NOTHING)
        self._artifacts.save(keys["descriptions"], Captions(kept))
        return Outputs(keys, {"captions": len(kept)}, _fault(asking, missing, len(part.shots)))

    def _so_far(self, key: str) -> dict[int, Caption]:
        if not self._artifacts.have([key]):
            return {}
        return {caption.shot: caption for caption in self._artifacts.load(key, Captions).captions}

    def _chosen(self, part: Part, answers: Mapping[int, Sequence[Candidate]]) -> dict[int, Caption]:
        """For each shot the candidate that agrees best with its frames, or NOTHING when none does well enough."""
        texts = list(dict.fromkeys(candidate.brief for found in answers.values() for candidate in found))
        space, meanings = self._encoder.meanings(texts) if texts else (part.space, {})
        if space != part.space:
            raise Incomplete(
                f"frame vectors are of the space {part.space}, texts of {space}: retry the embedding stage"
            )
        chosen: dict[int, Caption] = {}
        for shot in part.shots:
            found = answers.get(shot.index)
            if found is None:
                continue
            candidate, agreement = Candidate(NOTHING), 0.0
            if found:
                pictures = part.vectors[rows_of(shot, part.frames)]
                place, agreement = best([meanings[one.brief] for one in found], pictures)
                candidate = found[place] if agreement >= self._least else candidate
            chosen[shot.index] = self._caption(shot.index, shot.range, candidate, agreement)
        return chosen

    def _caption(self, shot: int, range_: TimeRange, chosen: Candidate, agreement: float) -> Caption:
        confidence = agreement if chosen.confidence is None else chosen.confidence
        return Caption(shot, range_, chosen.brief, chosen.detailed, confidence, agreement, self._captioner.model)


def _fault(asking: Asking, missing: Sequence[int], shots: int) -> Fault | None:
    if not missing:
        return None
    last = asking.errors[-1]
    return Fault(last.reason, f"{len(missing)} of {shots} shots have no caption: {last.message}")
