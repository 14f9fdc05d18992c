"""Proto in, proto out: what other services are asked for, moments and frames."""

import grpc
from vidx.decoding.v1 import decoding_service_pb2 as decoding_pb
from vidx.decoding.v1.decoding_service_pb2_grpc import DecodingServiceStub
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.search.v1 import search_service_pb2 as search_pb
from vidx.search.v1.search_service_pb2_grpc import SearchServiceStub

from services.core.names import CollectionName, VideoName
from services.gateway.collections import Collections
from services.gateway.videos import Videos
from services.runtime import grpc_client


class SearchRpc:
    """The methods of the public service that find and show. A call of theirs takes at most `call_s` seconds."""

    def __init__(
        self,
        collections: Collections,
        videos: Videos,
        search: SearchServiceStub,
        decoding: DecodingServiceStub,
        call_s: float,
    ) -> None:
        self._collections = collections
        self._videos = videos
        self._search = search
        self._decoding = decoding
        self._call_s = call_s

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:  # noqa: N802
        self._collections.check(CollectionName.parse(request.parent, "parent"))
        inner = search_pb.SearchRequest(
            parent=request.parent,
            query=request.query,
            page_size=request.page_size,
            page_token=request.page_token,
            filter=request.filter if request.HasField("filter") else None,
            max_moments_per_video=request.max_moments_per_video,
            min_score=request.min_score,
            tracks=request.tracks,
            with_facets=request.with_facets,
        )
        found = grpc_client.call(self._search.Search, inner, self._deadline(context))
        return pb.SearchResponse(moments=found.moments, next_page_token=found.next_page_token, facets=found.facets)

    def GetFrame(self, request: pb.GetFrameRequest, context: grpc.ServicerContext) -> pb.GetFrameResponse:  # noqa: N802
        source = self._videos.source(VideoName.parse(request.name))
        inner = decoding_pb.GetFrameRequest(source=source, time=request.time, max_height=request.max_height)
        frame = grpc_client.call(self._decoding.GetFrame, inner, self._deadline(context))
        return pb.GetFrameResponse(jpeg=frame.jpeg, time=frame.time)

    def _deadline(self, context: grpc.ServicerContext) -> float:
        """Seconds that a call made for this call may take: the caller's own deadline, within the gateway's bound."""
        left = context.time_remaining()
        return self._call_s if left is None else min(self._call_s, max(0.001, left))
