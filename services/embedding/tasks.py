"""The steps that the queue asks for."""

from services.core.jobs import Handler
from services.embedding.service import Embedding


def steps(service: Embedding) -> dict[str, Handler]:
    """Handlers by step."""
    return {"embedding.segment": service.segment, "embedding.assemble": service.assemble}
