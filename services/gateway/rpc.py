"""The public service, put together of its doors: each `*_rpc` takes the methods of one concern."""

from types import SimpleNamespace
from typing import cast

from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import (
    VideoIndexServiceServicer,
    add_VideoIndexServiceServicer_to_server,
)

from services.runtime.grpc_server import Register

SERVICE = pb.DESCRIPTOR.services_by_name["VideoIndexService"]


def joined(*doors: object) -> Register:
    """Adds the service to a server. Each method is that of the one door that has it; ValueError names one that no door
    has, or several."""
    methods = {}
    for method in SERVICE.methods:
        having = [door for door in doors if hasattr(door, method.name)]
        if len(having) != 1:
            raise ValueError(f"{method.name} has {len(having)} doors: {having}")
        methods[method.name] = getattr(having[0], method.name)
    servicer = cast(VideoIndexServiceServicer, SimpleNamespace(**methods))
    return lambda server: add_VideoIndexServiceServicer_to_server(servicer, server)
