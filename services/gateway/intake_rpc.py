"""Proto in, proto out: how videos come in."""

from collections.abc import Iterator

import grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.core.errors import InvalidInput
from services.core.names import CollectionName
from services.gateway import convert
from services.gateway.access import callers
from services.gateway.importer import Importer
from services.gateway.intake import Intake
from services.gateway.spec import check_request_id
from services.gateway.videos import Videos


class IntakeRpc:
    """The methods of the public service that take videos."""

    def __init__(self, intake: Intake, importer: Importer, videos: Videos) -> None:
        self._intake = intake
        self._importer = importer
        self._videos = videos

    def UploadVideo(self, request_iterator: Iterator[pb.UploadVideoRequest], context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        first = next(request_iterator, None)
        if first is None or first.WhichOneof("part") != "header":
            raise InvalidInput("the first message must be the header", fields={"header": "must come first"})
        header = first.header
        parent = CollectionName.parse(header.parent, "parent")
        with self._intake.room(parent):
            name = self._intake.upload(
                parent,
                header.request_id,
                header.offset,
                header.size_bytes,
                header.sha256.lower(),
                convert.spec_from(header.spec, header.file_name),
                _chunks(request_iterator),
            )
        callers.made(context, str(name))
        return convert.video(self._videos.get(name))

    def GetUpload(self, request: pb.GetUploadRequest, context: grpc.ServicerContext) -> pb.Upload:  # noqa: N802
        offset, video = self._intake.state(CollectionName.parse(request.parent, "parent"), request.request_id)
        return pb.Upload(offset=offset, video=str(video) if video else "")

    def ImportVideo(self, request: pb.ImportVideoRequest, context: grpc.ServicerContext) -> pb.Video:  # noqa: N802
        parent = CollectionName.parse(request.parent, "parent")
        check_request_id(request.request_id)
        done = self._intake.finished(parent, request.request_id)
        if done is None:
            with self._intake.room(parent), self._importer.open(request.uri) as (stream, file_name):
                done = self._intake.take(parent, request.request_id, stream, convert.spec_from(request.spec, file_name))
        callers.made(context, str(done))
        return convert.video(self._videos.get(done))


def _chunks(messages: Iterator[pb.UploadVideoRequest]) -> Iterator[bytes]:
    for message in messages:
        if message.WhichOneof("part") != "chunk":
            raise InvalidInput("only the first message is a header", fields={"header": "only once"})
        yield message.chunk
