"""The gRPC door: proto in, proto out."""

from collections.abc import Iterator

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from vidx.search.v1 import search_service_pb2 as pb
from vidx.search.v1 import search_service_pb2_grpc as pb_grpc

from services.core.deadlines import Deadline
from services.core.jobs import no_progress
from services.core.names import CollectionName, VideoName
from services.runtime import media_proto, text_proto
from services.runtime.grpc_server import Register
from services.search.domain import query as queries
from services.search.domain.selection import Evidence, Moment
from services.search.service import SearchService

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["SearchService"]


class SearchServicer(pb_grpc.SearchServiceServicer):
    """vidx.search.v1.SearchService"""

    def __init__(self, service: SearchService) -> None:
        self._service = service

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:  # noqa: N802
        query = queries.check(
            request.query,
            _scope(request.filter, CollectionName.parse(request.parent, "parent").collection),
            request.page_size,
            request.page_token,
            request.max_moments_per_video,
            request.min_score,
            queries.tracks((text_proto.FROM_TRACK.get(t.track), t.weight) for t in request.tracks),
            request.with_facets,
        )
        left = context.time_remaining()
        until = None if left is None else Deadline.after(left)
        moments, token = self._service.search(query, until)
        facets = [pb.Facet(label=label, count=count) for label, count in self._service.facets(query, until)]
        return pb.SearchResponse(moments=[_moment(m) for m in moments], next_page_token=token, facets=facets)

    def Index(self, request: pb.IndexRequest, context: grpc.ServicerContext) -> pb.IndexResponse:  # noqa: N802
        outputs = self._service.index(media_proto.job_from(request.job), no_progress)
        return pb.IndexResponse(outputs=media_proto.outputs_to(outputs))

    def DeleteVideo(  # noqa: N802
        self, request: pb.DeleteVideoRequest, context: grpc.ServicerContext
    ) -> pb.DeleteVideoResponse:
        return pb.DeleteVideoResponse(rows=self._service.delete_video(VideoName.parse(request.name)))

    def Stats(self, request: pb.StatsRequest, context: grpc.ServicerContext) -> pb.StatsResponse:  # noqa: N802
        collection = video = ""
        if "/videos/" in request.name:
            name = VideoName.parse(request.name)
            collection, video = name.collection, name.video
        elif request.name:
            collection = CollectionName.parse(request.name).collection
        rows, space = self._service.stats(collection, video)
        return pb.StatsResponse(rows=rows, space=space)

    def CountRows(  # noqa: N802
        self, request: pb.CountRowsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.CountRowsResponse]:
        for texts, space, video, rows in self._service.census():
            content = pb.CountRowsResponse.TEXTS if texts else pb.CountRowsResponse.PICTURES
            yield pb.CountRowsResponse(name=str(video), space=space, content=content, rows=rows)


def register(service: SearchService) -> Register:
    """Adds the servicer to a server."""
    return lambda server: pb_grpc.add_SearchServiceServicer_to_server(SearchServicer(service), server)


def _scope(f: pb.Filter, collection: str) -> queries.Scope:
    def time(name: str) -> int | None:
        value: Duration | Timestamp = getattr(f, name)
        return media_proto.nanoseconds(value) if f.HasField(name) else None  # type: ignore[arg-type]

    part = None
    if f.HasField("range"):
        part = queries.time_range(media_proto.nanoseconds(f.range.start), media_proto.nanoseconds(f.range.end))
    return queries.Scope(
        collection=collection,
        videos=queries.videos(list(f.videos), collection),
        labels=queries.labels(dict(f.labels)),
        added_after=time("added_after"),
        added_before=time("added_before"),
        min_duration=time("min_duration"),
        max_duration=time("max_duration"),
        range=part,
        shot_labels=queries.shot_labels(list(f.shot_labels)),
    )


def _moment(m: Moment) -> pb.Moment:
    return pb.Moment(
        video=str(m.video),
        range=media_proto.range_to(m.range),
        score=m.score,
        evidence=[_evidence(e) for e in m.evidence],
    )


def _evidence(e: Evidence) -> pb.Evidence:
    return pb.Evidence(
        track=text_proto.TRACKS[e.track],
        range=media_proto.range_to(e.range),
        frame_time=None if e.frame_time is None else media_proto.duration(e.frame_time),
        share=e.share,
        text=e.text,
        language=e.language,
    )
