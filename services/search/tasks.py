"""The queue door: step names and what does them."""

from services.core.jobs import Handler
from services.search.service import SearchService


def steps(service: SearchService) -> dict[str, Handler]:
    return {"search.index": service.index}
