"""Proto in, proto out: videos, from their states to their shots and frames."""

from collections.abc import Iterator

import grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.catalog.states import VideoState
from services.core.errors import InvalidInput
from services.core.names import CollectionName, VideoName
from services.gateway import convert
from services.gateway.videos import Videos
from services.pipeline.control import Control
from services.runtime.media_proto import shot_to


class VideoRpc:
    """The methods of the public service for videos."""

    def __init__(self, videos: Videos, control: Control) -> None:
        self._videos = videos
        self._control = control

    def GetVideo(self, request: pb.GetVideoRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        return convert.video(self._videos.get(VideoName.parse(request.name)))

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
        return convert.video(self._videos.get(name))

    def CancelVideo(self, request: pb.CancelVideoRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        name = VideoName.parse(request.name)
        self._control.cancel(name)
        return convert.video(self._videos.get(name))

    def WatchVideo(self, request: pb.WatchVideoRequest, context: grpc.ServicerContext) -> Iterator[pb.Video]:  # noqa: N802
        for view in self._videos.watch(VideoName.parse(request.name), context.is_active):
            yield convert.video(view)

    def ListShots(self, request: pb.ListShotsRequest, context: grpc.ServicerContext) -> pb.ListShotsResponse:  # noqa: N802
        name = VideoName.parse(request.parent, "parent")
        shots, token = self._videos.shots(name, request.page_size, request.page_token)
        return pb.ListShotsResponse(shots=map(shot_to, shots), next_page_token=token)


def _state(number: pb.Video.State.ValueType) -> str:
    name = pb.Video.State.Name(number) if number in pb.Video.State.values() else ""
    if name not in VideoState.__members__:
        raise InvalidInput(f"no state {number}", fields={"state": "one of Video.State"})
    return name
