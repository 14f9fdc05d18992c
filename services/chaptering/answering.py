"""The use case: what videos say to a question, each sentence with where it stands."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from services.chaptering.asking import Writing
from services.chaptering.domain import grounds, relevance
from services.chaptering.domain.tokens import clipped, tokens
from services.chaptering.ports import Found, Moments, SentenceEncoder, Writer
from services.core.chapters import Answer, AnswerSentence, Citation
from services.core.errors import Incomplete

F32 = npt.NDArray[np.float32]

MOST_TEXTS = 24
"""That a language model is shown."""
MOST_SENTENCES = 8
"""Of what it answers; more is no answer, but a summary."""


class Answering:
    """Answers questions; with a language model if there is one."""

    def __init__(self, moments: Moments, sentences: SentenceEncoder, writing: Writing | None = None) -> None:
        self._moments = moments
        self._sentences = sentences
        self._writing = writing

    def answer(self, parent: str, question: str, videos: Sequence[str] = ()) -> Answer:
        """An answer from the videos of a collection, or from those named; without sentences when they do not answer.

        Without a language model it is their own sentences; so it is, with a fault, when the model was asked in vain.
        Of what a model writes only sentences that their citations bear out are kept. Raises as `Moments` does.
        """
        writing = self._writing
        by = writing.writer.model if writing else "builtin"
        found = list(dict.fromkeys(f for f in self._moments.find(parent, question, videos) if f.text.strip()))
        if not found:
            return Answer(writer=by)
        encoded = self._sentences.encode([question, *(f.text for f in found)])
        rows = encoded.vectors[1:].astype(np.float64)
        meaning = grounds.score(rows @ encoded.vectors[0].astype(np.float64), encoded.curves[0])
        # Search knows the words that are shared as well, vectors what its index does not hold.
        scores = np.maximum(meaning, [f.score for f in found])
        fault = None
        if writing is not None:
            model, asking = writing.writer, writing.call()
            asked = clipped(question, model.room // 2)
            room = model.room - tokens(asked)
            places = _fitting(found, relevance.worth(scores, MOST_TEXTS), room)
            if not places:
                return Answer(writer=by)
            texts, vectors = [found[i] for i in places], encoded.vectors[1:][places]
            written = asking.ask(lambda: self._checked(model, asked, texts, room, vectors, encoded.space))
            if written is not None:
                return Answer(tuple(written), by)
            fault = asking.fault
        own = [found[i] for i in relevance.best(scores, rows @ rows.T)]
        return Answer(tuple(AnswerSentence(f.text, (_cite(f),)) for f in own), fault=fault)

    def _checked(
        self, writer: Writer, question: str, texts: Sequence[Found], room: int, vectors: F32, space: str
    ) -> list[AnswerSentence]:
        """What the model writes that its citations bear out, each sentence with those that exist."""
        written = [w for w in writer.answer(question, [clipped(f.text, room) for f in texts]) if w.places]
        if not written:
            return []
        encoded = self._sentences.encode([w.text for w in written])
        if encoded.space != space:
            raise Incomplete(f"the embedding service changed its space from {space} to {encoded.space}: ask again")
        kept = []
        for w, vector, curve in zip(written, encoded.vectors, encoded.curves, strict=True):
            places = [i for i in w.places if 0 <= i < len(texts)]
            sources = [texts[i] for i in places]
            borne = grounds.borne(w.text, vector, curve, [f.text for f in sources], vectors[places])
            if borne:
                kept.append(AnswerSentence(w.text, tuple(_cite(sources[i]) for i in borne)))
        return kept[:MOST_SENTENCES]


def _fitting(found: Sequence[Found], places: Sequence[int], room: int) -> list[int]:
    """The first places whose texts fit together; the first in any case."""
    kept: list[int] = []
    for i in places:
        room -= tokens(found[i].text)
        if room < 0 and kept:
            break
        kept.append(i)
    return kept


def _cite(found: Found) -> Citation:
    return Citation(found.video, found.range, found.text)
