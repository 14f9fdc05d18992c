"""Proto in, proto out: collections, videos, search.

`text_rpc` has what videos say and show, in words, `chapter_rpc` their chapters and summaries, `skim_rpc` what to watch
of them, `url_rpc` addresses that lead past the gateway, `doctor_rpc` what keeps the platform sound.
"""

from collections.abc import Iterator

import grpc
from vidx.decoding.v1 import decoding_service_pb2 as decoding_pb
from vidx.decoding.v1.decoding_service_pb2_grpc import DecodingServiceStub
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.search.v1 import search_service_pb2 as search_pb
from vidx.search.v1.search_service_pb2_grpc import SearchServiceStub

from services.catalog.states import VideoState
from services.core.errors import InvalidInput
from services.core.names import CollectionName, VideoName
from services.gateway import convert
from services.gateway.access import callers
from services.gateway.answers import Answers
from services.gateway.chapter_rpc import ChapterRpc
from services.gateway.chapters import VideoChapters
from services.gateway.collections import Collections
from services.gateway.doctor_rpc import DoctorRpc, OpenDoctor
from services.gateway.edits import Edits
from services.gateway.films import Films
from services.gateway.importer import Importer
from services.gateway.intake import Intake
from services.gateway.skim_rpc import SkimRpc
from services.gateway.skims import VideoSkims
from services.gateway.spec import check_request_id
from services.gateway.subtitles import Subtitles
from services.gateway.summaries import VideoSummaries
from services.gateway.text_rpc import TextRpc
from services.gateway.texts import Texts
from services.gateway.url_rpc import UrlRpc
from services.gateway.urls import DirectUrls
from services.gateway.videos import Videos
from services.pipeline.control import Control
from services.runtime import grpc_client
from services.runtime.media_proto import shot_to

SERVICE = pb.DESCRIPTOR.services_by_name["VideoIndexService"]


class VideoIndexRpc(TextRpc, ChapterRpc, SkimRpc, UrlRpc, DoctorRpc):
    """The public service."""

    def __init__(
        self,
        texts: Texts,
        edits: Edits,
        subtitles: Subtitles,
        chapters: VideoChapters,
        summaries: VideoSummaries,
        skims: VideoSkims,
        films: Films,
        answers: Answers,
        collections: Collections,
        videos: Videos,
        intake: Intake,
        urls: DirectUrls,
        importer: Importer,
        control: Control,
        doctor: OpenDoctor,
        search: SearchServiceStub,
        decoding: DecodingServiceStub,
        call_s: float,
    ) -> None:
        TextRpc.__init__(self, texts, edits, subtitles, videos)
        ChapterRpc.__init__(self, chapters, summaries, answers, videos)
        SkimRpc.__init__(self, skims, films, videos)
        UrlRpc.__init__(self, urls, intake, videos)
        DoctorRpc.__init__(self, doctor)
        self._collections = collections
        self._importer = importer
        self._control = control
        self._search = search
        self._decoding = decoding
        self._call_s = call_s

    def CreateCollection(self, request: pb.CreateCollectionRequest, context: grpc.ServicerContext) -> pb.Collection:  # noqa: N802
        made = self._collections.create(request.collection_id, request.request_id, request.shot_labels)
        return convert.collection(made)

    def GetCollection(self, request: pb.GetCollectionRequest, context: grpc.ServicerContext) -> pb.Collection:  # noqa: N802
        return convert.collection(self._collections.get(CollectionName.parse(request.name)))

    def ListCollections(  # noqa: N802
        self, request: pb.ListCollectionsRequest, context: grpc.ServicerContext
    ) -> pb.ListCollectionsResponse:
        views, token = self._collections.list(request.page_size, request.page_token, callers.of(context).collections)
        return pb.ListCollectionsResponse(collections=map(convert.collection, views), next_page_token=token)

    def UpdateCollection(self, request: pb.UpdateCollectionRequest, context: grpc.ServicerContext) -> pb.Collection:  # noqa: N802
        if set(request.update_mask.paths) - {"shot_labels"}:
            rule = "shot_labels can be changed"
            raise InvalidInput(
                f"cannot change {sorted(request.update_mask.paths)}: {rule}", fields={"update_mask": rule}
            )
        name = CollectionName.parse(request.collection.name, "collection.name")
        return convert.collection(self._collections.update(name, request.collection.shot_labels))

    def DeleteCollection(  # noqa: N802
        self, request: pb.DeleteCollectionRequest, context: grpc.ServicerContext
    ) -> pb.DeleteCollectionResponse:
        removed = self._collections.delete(CollectionName.parse(request.name), request.force)
        return pb.DeleteCollectionResponse(removed=convert.removed(removed))

    def UploadVideo(self, request_iterator: Iterator[pb.UploadVideoRequest], context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        with self._intake.room():
            first = next(request_iterator, None)
            if first is None or first.WhichOneof("part") != "header":
                raise InvalidInput("the first message must be the header", fields={"header": "must come first"})
            header = first.header
            name = self._intake.upload(
                CollectionName.parse(header.parent, "parent"),
                header.request_id,
                header.offset,
                header.size_bytes,
                header.sha256.lower(),
                convert.spec_from(header.spec, header.file_name),
                _chunks(request_iterator),
            )
        callers.made(context, str(name))
        return self._video(name)

    def GetUpload(self, request: pb.GetUploadRequest, context: grpc.ServicerContext) -> pb.Upload:  # noqa: N802
        offset, video = self._intake.state(CollectionName.parse(request.parent, "parent"), request.request_id)
        return pb.Upload(offset=offset, video=str(video) if video else "")

    def ImportVideo(self, request: pb.ImportVideoRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        parent = CollectionName.parse(request.parent, "parent")
        check_request_id(request.request_id)
        done = self._intake.finished(parent, request.request_id)
        if done is None:
            with self._intake.room(), self._importer.open(request.uri) as (stream, file_name):
                done = self._intake.take(parent, request.request_id, stream, convert.spec_from(request.spec, file_name))
        callers.made(context, str(done))
        return self._video(done)

    def GetVideo(self, request: pb.GetVideoRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        return self._video(VideoName.parse(request.name))

    def ListVideos(self, request: pb.ListVideosRequest, context: grpc.ServicerContext) -> pb.ListVideosResponse:  # noqa: N802
        state = "" if not request.state else _state(request.state)
        parent = CollectionName.parse(request.parent, "parent")
        views, token = self._videos.list(parent, request.page_size, request.page_token, state)
        return pb.ListVideosResponse(videos=map(convert.video, views), next_page_token=token)

    def UpdateVideo(self, request: pb.UpdateVideoRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        paths = set(request.update_mask.paths) or {"title", "labels"}
        if paths - {"title", "labels"}:
            rule = "title and labels can be changed"
            raise InvalidInput(f"cannot change {sorted(paths)}: {rule}", fields={"update_mask": rule})
        name = VideoName.parse(request.video.name, "video.name")
        title = request.video.title if "title" in paths else None
        labels = dict(request.video.labels) if "labels" in paths else None
        return convert.video(self._videos.update(name, title, labels, request.video.etag))

    def DeleteVideo(self, request: pb.DeleteVideoRequest, context: grpc.ServicerContext) -> pb.DeleteVideoResponse:  # noqa: N802
        removed = self._control.remove(VideoName.parse(request.name), request.etag)
        return pb.DeleteVideoResponse(removed=convert.removed(removed))

    def RetryVideo(self, request: pb.RetryVideoRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        name = VideoName.parse(request.name)
        self._control.retry(name, request.stage)
        return self._video(name)

    def CancelVideo(self, request: pb.CancelVideoRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        name = VideoName.parse(request.name)
        self._control.cancel(name)
        return self._video(name)

    def WatchVideo(self, request: pb.WatchVideoRequest, context: grpc.ServicerContext) -> Iterator[pb.Video]:  # noqa: N802
        for view in self._videos.watch(VideoName.parse(request.name), context.is_active):
            yield convert.video(view)

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

    def ListShots(self, request: pb.ListShotsRequest, context: grpc.ServicerContext) -> pb.ListShotsResponse:  # noqa: N802
        name = VideoName.parse(request.parent, "parent")
        shots, token = self._videos.shots(name, request.page_size, request.page_token)
        return pb.ListShotsResponse(shots=map(shot_to, shots), next_page_token=token)

    def GetFrame(self, request: pb.GetFrameRequest, context: grpc.ServicerContext) -> pb.GetFrameResponse:  # noqa: N802
        source = self._videos.source(VideoName.parse(request.name))
        inner = decoding_pb.GetFrameRequest(source=source, time=request.time, max_height=request.max_height)
        frame = grpc_client.call(self._decoding.GetFrame, inner, self._deadline(context))
        return pb.GetFrameResponse(jpeg=frame.jpeg, time=frame.time)

    def _deadline(self, context: grpc.ServicerContext) -> float:
        """Seconds that a call made for this call may take: the caller's own deadline, within the gateway's bound."""
        left = context.time_remaining()
        return self._call_s if left is None else min(self._call_s, max(0.001, left))


def _chunks(messages: Iterator[pb.UploadVideoRequest]) -> Iterator[bytes]:
    for message in messages:
        if message.WhichOneof("part") != "chunk":
            raise InvalidInput("only the first message is a header", fields={"header": "only once"})
        yield message.chunk


def _state(number: pb.Video.State.ValueType) -> str:
    name = pb.Video.State.Name(number) if number in pb.Video.State.values() else ""
    if name not in VideoState.__members__:
        raise InvalidInput(f"no state {number}", fields={"state": "one of Video.State"})
    return name
