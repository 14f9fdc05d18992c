"""The steps that the queue asks for."""

from services.chaptering.service import Chaptering
from services.core.jobs import Handler


def steps(service: Chaptering) -> dict[str, Handler]:
    """Handlers by step."""
    return {"chaptering.chapter": service.chapter, "chaptering.summarize": service.summarize}
