"""The steps that the queue asks for."""

from services.captioning.service import Captioning
from services.core.jobs import Handler


def steps(service: Captioning) -> dict[str, Handler]:
    """Handlers by step."""
    return {
        "captioning.text": service.text.segment,
        "captioning.describe": service.describing.segment,
        "captioning.assemble": service.assembling.video,
    }
