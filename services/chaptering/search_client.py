"""Finds what may answer a question by asking the search service."""

from collections.abc import Sequence

import grpc
from vidx.search.v1 import search_service_pb2 as pb
from vidx.search.v1.search_service_pb2_grpc import SearchServiceStub

from services.chaptering.ports import Found
from services.core.errors import Conflict
from services.core.text import Track
from services.runtime import grpc_client, media_proto, text_proto

MOMENTS = 50
PER_VIDEO = 10
"""Moments of one video when many may answer."""
TRACKS = (Track.SPEECH, Track.ON_SCREEN_TEXT, Track.CAPTION)
"""Whose texts are taken. Moments are found by what is seen as well; that has no text but its caption."""


class SearchClient:
    """Implements `ports.Moments` over a channel."""

    def __init__(self, channel: grpc.Channel, timeout_s: float) -> None:
        self._search = SearchServiceStub(channel).Search
        self._timeout_s = timeout_s

    def find(self, parent: str, question: str, videos: Sequence[str]) -> Sequence[Found]:
        request = pb.SearchRequest(
            parent=parent,
            query=question,
            page_size=MOMENTS,
            filter=pb.Filter(videos=videos),
            max_moments_per_video=max(PER_VIDEO, MOMENTS // len(videos)) if videos else PER_VIDEO,
        )
        response = grpc_client.call(self._search, request, self._timeout_s)
        return [
            Found(
                moment.video,
                media_proto.range_from(one.range),
                one.text,
                text_proto.FROM_TRACK[one.track],
                # What the text alone scores: a moment fails only when each of its tracks does.
                1.0 - (1.0 - min(max(moment.score, 0.0), 1.0)) ** min(max(one.share, 0.0), 1.0),
            )
            for moment in response.moments
            for one in moment.evidence
            if text_proto.FROM_TRACK.get(one.track) in TRACKS and one.text
        ]


class NoSearch:
    """Implements `ports.Moments` where no search service is set."""

    def find(self, parent: str, question: str, videos: Sequence[str]) -> Sequence[Found]:
        raise Conflict("questions need the search service: set VIDX_CHAPTERING_SEARCH_ADDRESS")
