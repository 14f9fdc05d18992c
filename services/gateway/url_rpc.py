"""Proto in, proto out: addresses for uploads and playback."""

import grpc
from google.protobuf.duration_pb2 import Duration
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.core.names import CollectionName, VideoName
from services.gateway import convert
from services.gateway.access import callers
from services.gateway.intake import Intake
from services.gateway.urls import DirectUrls
from services.gateway.videos import Videos
from services.runtime.media_proto import nanoseconds, timestamp


class UrlRpc:
    """The methods of the public service that lead past it."""

    def __init__(self, urls: DirectUrls, intake: Intake, videos: Videos) -> None:
        self._urls = urls
        self._intake = intake
        self._videos = videos

    def CreateUploadUrls(self, request: pb.CreateUploadUrlsRequest, context: grpc.ServicerContext) -> pb.UploadUrls:  # noqa: N802
        found = self._urls.upload(
            CollectionName.parse(request.parent, "parent"),
            request.request_id,
            request.size_bytes,
            request.sha256.lower(),
            _lifetime(request),
        )
        return pb.UploadUrls(
            urls=[pb.UploadUrl(url=one.url, offset=one.offset, size_bytes=one.size) for one in found.stretches],
            expire_time=timestamp(found.expires),
            video=str(found.video or ""),
        )

    def CompleteUpload(self, request: pb.CompleteUploadRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        parent = CollectionName.parse(request.parent, "parent")
        with self._intake.room(parent):
            spec = convert.spec_from(request.spec, request.file_name)
            name = self._intake.complete(parent, request.request_id, spec)
        callers.made(context, str(name))
        return convert.video(self._videos.get(name))

    def GetMediaUrl(self, request: pb.GetMediaUrlRequest, context: grpc.ServicerContext) -> pb.MediaUrl:  # noqa: N802
        found = self._urls.play(VideoName.parse(request.name), _lifetime(request))
        return pb.MediaUrl(url=found.url, expire_time=timestamp(found.expires), media_type=found.media_type)


def _lifetime(request: pb.CreateUploadUrlsRequest | pb.GetMediaUrlRequest) -> int | None:
    lifetime: Duration = request.lifetime
    return nanoseconds(lifetime) if request.HasField("lifetime") else None
