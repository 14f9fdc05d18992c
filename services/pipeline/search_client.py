"""The search service, as the pipeline sees it."""

from dataclasses import replace

import grpc
from vidx.search.v1 import search_service_pb2 as pb
from vidx.search.v1.search_service_pb2_grpc import SearchServiceStub

from services.core.names import VideoName
from services.pipeline.ports import Rows
from services.runtime import grpc_client


class SearchIndex:
    """Implements `ports.Index`."""

    def __init__(self, channel: grpc.Channel, timeout_s: float = 30.0, census_s: float = 600.0) -> None:
        self._stub = SearchServiceStub(channel)
        self._timeout_s = timeout_s
        self._census_s = census_s

    def delete_video(self, video: VideoName) -> int:
        request = pb.DeleteVideoRequest(name=str(video))
        return int(grpc_client.call(self._stub.DeleteVideo, request, self._timeout_s).rows)

    def census(self) -> dict[VideoName, Rows]:
        found: dict[VideoName, Rows] = {}
        request = pb.CountRowsRequest()
        for one in grpc_client.stream(self._stub.CountRows, request, self._census_s, lambda _: True):
            name = VideoName.parse(one.name)
            rows = found.get(name, Rows())
            if one.content == pb.CountRowsResponse.TEXTS:
                found[name] = replace(rows, texts=(*rows.texts, one.rows))
            else:
                found[name] = replace(rows, pictures=(*rows.pictures, one.rows))
        return found
