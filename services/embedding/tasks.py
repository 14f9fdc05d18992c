"""The steps that the queue asks for."""

from services.core.jobs import Handler
from services.embedding.passages import TextSteps
from services.embedding.service import Embedding


def steps(pictures: Embedding, texts: TextSteps) -> dict[str, Handler]:
    """Handlers by step."""
    return {
        "embedding.segment": pictures.segment,
        "embedding.assemble": pictures.assemble,
        "embedding.text": texts.text,
        "embedding.title": texts.title,
    }
