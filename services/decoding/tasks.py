"""The steps that the queue asks for."""

from services.core.jobs import Handler
from services.decoding.service import Decoding


def steps(service: Decoding) -> dict[str, Handler]:
    """Handlers by step."""
    return {
        "decoding.plan": service.plan,
        "decoding.segment": service.segment,
        "decoding.assemble": service.assemble,
    }
