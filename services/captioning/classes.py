"""The built-in captioner: a sentence from the visual encoder's own classes."""

from collections.abc import Sequence

from services.captioning.domain import sentences
from services.captioning.ports import Candidate, View

VERSION = 1
"""Grows when the same classes give other sentences."""


class ClassCaptioner:
    """Implements `ports.Captioner`; looks at no picture, and says nothing of a shot without classes."""

    model = "classes"
    version = (
        f"{VERSION}:{sentences.SURE}:{sentences.SPECIFIC}:{sentences.TOGETHER}:{sentences.EITHER}:{sentences.LEAD}"
    )
    pictures = 0

    def captions(self, view: View) -> Sequence[Candidate]:
        if view.classes is None or not len(view.classes.names):
            return ()
        said = sentences.say(view.classes, view.weights)
        return (Candidate(said.sentence, confidence=said.confidence),) if said else ()
