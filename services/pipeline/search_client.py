"""The search service, as the pipeline sees it."""

import grpc
from vidx.search.v1 import search_service_pb2 as pb
from vidx.search.v1.search_service_pb2_grpc import SearchServiceStub

from services.core.names import VideoName
from services.runtime import grpc_client


class SearchIndex:
    """Implements `ports.Index`."""

    def __init__(self, channel: grpc.Channel, timeout_s: float = 30.0) -> None:
        self._stub = SearchServiceStub(channel)
        self._timeout_s = timeout_s

    def delete_video(self, video: VideoName) -> int:
        request = pb.DeleteVideoRequest(name=str(video))
        return int(grpc_client.call(self._stub.DeleteVideo, request, self._timeout_s).rows)
