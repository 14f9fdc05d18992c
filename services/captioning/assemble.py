"""Use case: readings and captions of the segments become the video's, and its shots get the collection's labels."""

from services.captioning.domain import labels, readings
from services.captioning.ports import TextEncoder
from services.core.artifacts import job_keys
from services.core.errors import Incomplete
from services.core.jobs import Job, Outputs, Progress
from services.core.media import Shots, VideoInfo
from services.core.store import Artifacts
from services.core.text import Captions, OnScreenText, ShotLabel, ShotLabels
from services.core.vectors import from_npz

VERSION = 1
"""Grows when the same inputs give other artifacts."""


class Assembling:
    """Joins segments. `least` is the score from which a shot carries a label."""

    def __init__(self, artifacts: Artifacts, encoder: TextEncoder, *, least: float = labels.LEAST) -> None:
        self._artifacts = artifacts
        self._encoder = encoder
        self._least = least

    def video(self, job: Job, progress: Progress) -> Outputs:
        """captioning.assemble: the video's on-screen text, captions and labels, of the segments that were done."""
        parameters = {"version": VERSION, "least": self._least, "template": labels.TEMPLATE}
        keys = job_keys(job, ("on_screen_text", "captions", "shot_labels"), parameters)
        if not self._artifacts.have(keys.values()):
            progress(0, 1)
            found = ShotLabels(tuple(self._labels(job)))
            texts = [self._artifacts.load(key, OnScreenText) for key in job.inputs.get("readings", ())]
            self._artifacts.save(keys["on_screen_text"], readings.join(texts))
            parts = [self._artifacts.load(key, Captions) for key in job.inputs.get("descriptions", ())]
            captions = sorted((one for part in parts for one in part.captions), key=lambda one: one.shot)
            self._artifacts.save(keys["captions"], Captions(tuple(captions)))
            self._artifacts.save(keys["shot_labels"], found)
        return Outputs(
            keys,
            {
                "readings": len(self._artifacts.load(keys["on_screen_text"], OnScreenText).readings),
                "captions": len(self._artifacts.load(keys["captions"], Captions).captions),
                "labels": len(self._artifacts.load(keys["shot_labels"], ShotLabels).labels),
            },
        )

    def _labels(self, job: Job) -> list[ShotLabel]:
        wanted = self._artifacts.load(job.one("info"), VideoInfo).shot_labels
        if not wanted:
            return []
        shots = self._artifacts.load(job.one("shots"), Shots).shots
        key = job.one("shot_vectors")
        try:
            vectors, space = from_npz(self._artifacts.objects.get(key))
        except ValueError as error:
            raise Incomplete(f"object {key}: {error}: embed the video again") from error
        if len(vectors) != len(shots):
            raise Incomplete(f"{len(shots)} shots but {len(vectors)} vectors: embed the video again")
        sentences = {label: labels.TEMPLATE.format(label=label) for label in wanted}
        texts_space, meanings = self._encoder.meanings(list(dict.fromkeys(sentences.values())))
        if texts_space != space:
            raise Incomplete(f"shot vectors are of the space {space}, labels of {texts_space}: retry embedding")
        by_label = {label: meanings[sentence] for label, sentence in sentences.items()}
        return [
            ShotLabel(shots[one.shot].index, one.label, one.score)
            for one in labels.labels_of(vectors, by_label, self._least)
        ]
