"""The steps that the queue asks for."""

from services.core.jobs import Handler
from services.transcription.service import Transcription


def steps(service: Transcription) -> dict[str, Handler]:
    """Handlers by step."""
    return {
        "transcription.subtitles": service.subtitles,
        "transcription.segment": service.segment,
        "transcription.assemble": service.assemble,
    }
