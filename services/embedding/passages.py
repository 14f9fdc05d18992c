"""The use case of texts: what is said, written and told in a video becomes passages with vectors; so does its title."""

import numpy as np

from services.core.artifacts import job_keys
from services.core.jobs import Job, Outputs, Progress
from services.core.media import VideoInfo
from services.core.store import Artifacts
from services.core.text import Captions, OnScreenText, Passages, Transcript
from services.core.vectors import to_npz
from services.embedding.domain.model import TEXT_ALGORITHM
from services.embedding.domain.passages import passages
from services.embedding.texts import Texts


class TextSteps:
    """Steps on texts; `sentences` embeds them in the space in which texts are compared with texts."""

    def __init__(self, artifacts: Artifacts, sentences: Texts) -> None:
        self._artifacts = artifacts
        self._sentences = sentences

    def text(self, job: Job, progress: Progress) -> Outputs:
        """embedding.text: passages of every track that there is, and a vector a passage in the same order.

        A passage in which the model can read nothing is left out.
        """
        keys = job_keys(job, ("passages", "passage_vectors"), self._parameters())
        if self._artifacts.have(keys.values()):
            return Outputs(keys, {"vectors": len(self._artifacts.load(keys["passages"], Passages).passages)})
        heard = job.inputs.get("transcript", ())
        transcript = self._artifacts.load(job.one("transcript"), Transcript) if heard else Transcript()
        found = passages(
            transcript,
            self._artifacts.load(job.one("on_screen_text"), OnScreenText),
            self._artifacts.load(job.one("captions"), Captions),
        )
        vectors = self._sentences.many([passage.text for passage in found], progress)
        kept = tuple(passage for passage in found if passage.text in vectors)
        rows = np.empty((len(kept), self._sentences.space.dimension), np.float32)
        for row, passage in enumerate(kept):
            rows[row] = vectors[passage.text]
        self._artifacts.objects.put(keys["passage_vectors"], to_npz(rows, self._sentences.space.name))
        self._artifacts.save(keys["passages"], Passages(kept))
        return Outputs(keys, {"vectors": len(kept)})

    def title(self, job: Job, progress: Progress) -> Outputs:
        """embedding.title: the title's vector [1, d]; [0, d] when there is no title, or nothing readable in it."""
        keys = job_keys(job, ("title_vectors",), self._parameters())
        if not self._artifacts.have(keys.values()):
            title = self._artifacts.load(job.one("info"), VideoInfo).title
            found = self._sentences.many([title], progress)
            rows = np.array(list(found.values()), np.float32).reshape(-1, self._sentences.space.dimension)
            self._artifacts.objects.put(keys["title_vectors"], to_npz(rows, self._sentences.space.name))
        return Outputs(keys)

    def _parameters(self) -> list[object]:
        return [TEXT_ALGORITHM, self._sentences.space.name, self._sentences.space.version]
