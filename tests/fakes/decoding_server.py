"""A decoding service behind the real API that gives any bytes for a film."""

import threading

from vidx.decoding.v1 import decoding_service_pb2 as pb
from vidx.decoding.v1.decoding_service_pb2_grpc import (
    DecodingServiceServicer,
    add_DecodingServiceServicer_to_server,
)

from services.core.errors import VidxError
from services.runtime.grpc_server import Server, create_server
from services.runtime.settings import ServerSettings

DESCRIPTOR = pb.DESCRIPTOR.services_by_name["DecodingService"]
CHUNK = b"film" * 50_000


class FakeDecoding(DecodingServiceServicer):
    """`asked` is what was asked. A film is of `chunks` chunks; a cut waits for `slow`, where it is set.

    `sent` counts chunks, `ended` cuts that have come to an end in any way; `fault` is raised after the first chunk.
    """

    def __init__(self) -> None:
        self.asked: list[pb.CutRangesRequest] = []
        self.chunks = 3
        self.sent = self.ended = 0
        self.slow: threading.Event | None = None
        self.fault: VidxError | None = None

    def serve(self) -> Server:
        """A real server on a free port."""
        settings = ServerSettings(address="127.0.0.1:0", drain_s=0.0)
        return create_server(
            settings, [(DESCRIPTOR, lambda server: add_DecodingServiceServicer_to_server(self, server))]
        )

    def GetFrame(self, request, context):  # noqa: N802
        return pb.GetFrameResponse(jpeg=b"a frame")

    def CutRanges(self, request, context):  # noqa: N802
        self.asked.append(request)
        try:
            while self.slow is not None and context.is_active() and not self.slow.wait(0.01):
                pass
            for _ in range(self.chunks):
                yield pb.CutRangesResponse(chunk=CHUNK)
                self.sent += 1
                if self.fault is not None:
                    raise self.fault
        finally:
            self.ended += 1
