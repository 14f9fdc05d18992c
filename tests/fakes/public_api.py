"""The real gateway over a house, with fakes of the services behind it, and what tests do with it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from vidx.chaptering.v1.chaptering_service_pb2_grpc import ChapteringServiceStub
from vidx.decoding.v1.decoding_service_pb2_grpc import DecodingServiceStub
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.access_service_pb2_grpc import add_AccessServiceServicer_to_server
from vidx.gateway.v1.status_service_pb2_grpc import add_StatusServiceServicer_to_server
from vidx.gateway.v1.video_index_service_pb2_grpc import (
    VideoIndexServiceStub,
)
from vidx.gateway.v1.webhook_service_pb2_grpc import add_WebhookServiceServicer_to_server
from vidx.search.v1 import search_service_pb2 as search_pb
from vidx.search.v1.search_service_pb2_grpc import (
    SearchServiceServicer,
    SearchServiceStub,
    add_SearchServiceServicer_to_server,
)
from vidx.transcription.v1.transcription_service_pb2_grpc import TranscriptionServiceStub

from services.catalog.audit import Audit
from services.catalog.keys import Keys
from services.catalog.places import Places
from services.catalog.quotas import Quotas
from services.core.errors import Unavailable
from services.gateway.access.bounds import CallBounds
from services.gateway.access.guard import Access, Authenticator
from services.gateway.access.places import HeldPlaces
from services.gateway.access.rpc import SERVICE as ACCESS
from services.gateway.access.rpc import AccessRpc
from services.gateway.answers import Answers
from services.gateway.chapter_rpc import ChapterRpc
from services.gateway.chaptering import Chaptering
from services.gateway.chapters import VideoChapters
from services.gateway.collection_rpc import CollectionRpc
from services.gateway.collections import Collections
from services.gateway.doctor_rpc import DoctorRpc
from services.gateway.edits import Edits
from services.gateway.films import Films
from services.gateway.importer import Importer
from services.gateway.intake import Intake
from services.gateway.intake_rpc import IntakeRpc
from services.gateway.ports import Urls
from services.gateway.rpc import SERVICE, joined
from services.gateway.search_rpc import SearchRpc
from services.gateway.settings import ImportSettings
from services.gateway.skim_rpc import SkimRpc
from services.gateway.skims import VideoSkims
from services.gateway.status_rpc import SERVICE as STATUS
from services.gateway.status_rpc import StatusRpc
from services.gateway.subtitles import Subtitles
from services.gateway.summaries import VideoSummaries
from services.gateway.text_rpc import TextRpc
from services.gateway.texts import Texts
from services.gateway.url_rpc import UrlRpc
from services.gateway.urls import DirectUrls
from services.gateway.video_rpc import VideoRpc
from services.gateway.videos import Videos
from services.gateway.webhook_rpc import SERVICE as WEBHOOKS
from services.gateway.webhook_rpc import WebhookRpc
from services.pipeline.overview import survey
from services.pipeline.sending import WebhookSettings
from services.pipeline.webhooks import Webhooks
from services.runtime.grpc_client import channel
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings
from tests.fakes.chaptering_server import FakeChaptering
from tests.fakes.decoding_server import FakeDecoding
from tests.fakes.house import House
from tests.fakes.transcription_server import FakeTranscription

HERE = WebhookSettings(http=True, networks=("127.0.0.0/8",), timeout_s=60)
"""Webhooks of the tests go to servers on loopback."""
LOOPBACK = ServerSettings(address="127.0.0.1:0", drain_s=0)
FILM = b"a film " * 200_000
SHA = hashlib.sha256(FILM).hexdigest()


class FakeSearch(SearchServiceServicer):
    def __init__(self) -> None:
        self.asked: list[search_pb.SearchRequest] = []

    def Search(self, request, context):  # noqa: N802
        self.asked.append(request)
        if request.query == "down":
            raise Unavailable("down")
        facets = [search_pb.Facet(label="a tree", count=3)] if request.with_facets else []
        moment = search_pb.Moment(video=request.parent + "/videos/v", score=0.5)
        return search_pb.SearchResponse(moments=[moment], facets=facets)


@contextmanager
def serving(
    house: House,
    folder: Path,
    authenticator: Authenticator | None = None,
    urls: Urls | None = None,
    max_bytes: int = 10_000_000,
    max_uploads: int = 4,
) -> Iterator[SimpleNamespace]:
    """The public API on a free port: `stub`, `channel`, `address`, the `house` behind it, and the fakes `search`,
    `transcription`, `chaptering`, `decoding`.

    Callers need what `authenticator` knows, if there is one. It may import from `folder/imports`, and gives the
    addresses of `urls`.
    """
    (folder / "imports").mkdir()
    search = FakeSearch()
    descriptor = search_pb.DESCRIPTOR.services_by_name["SearchService"]
    inner = create_server(LOOPBACK, [(descriptor, lambda s: add_SearchServiceServicer_to_server(search, s))])
    transcription = FakeTranscription()
    reader = transcription.serve()
    subtitles = Subtitles(TranscriptionServiceStub(channel(f"127.0.0.1:{reader.port}", retries=False)), 60.0)
    texts = Texts(house.database, house.store)
    videos = Videos(house.database, house.store, house.control, 0.005, 2)
    outliner = FakeChaptering()
    maker = outliner.serve()
    chaptering = Chaptering(ChapteringServiceStub(channel(f"127.0.0.1:{maker.port}", retries=False)), 60.0, 60.0, 2)
    chapters = VideoChapters(house.database, house.store, house.control, chaptering)
    decoding = FakeDecoding()
    cutter = decoding.serve()
    intake = Intake(house.database, house.store, house.control, subtitles, max_bytes, max_uploads)
    # Nobody listens at port 1.
    behind, nobody = channel(f"127.0.0.1:{inner.port}"), channel("127.0.0.1:1", retries=False)
    decoder = DecodingServiceStub(channel(f"127.0.0.1:{cutter.port}"))
    collections = Collections(house.database, house.control)
    public = joined(
        CollectionRpc(collections),
        IntakeRpc(intake, Importer(ImportSettings(folders=(str(folder / "imports"),))), videos),
        VideoRpc(videos, house.control),
        SearchRpc(collections, videos, SearchServiceStub(behind), decoder, 60.0),
        TextRpc(texts, Edits(house.database, house.control, texts, subtitles), subtitles, videos),
        ChapterRpc(chapters, VideoSummaries(chapters, chaptering), Answers(house.database, chaptering), videos),
        SkimRpc(VideoSkims(chapters, chaptering), Films(decoder, 120.0, 2), videos),
        UrlRpc(DirectUrls(house.database, house.store, intake, urls, part_bytes=500_000), intake, videos),
        DoctorRpc(lambda deep: house.doctor(deep=deep)),
    )
    quotas, audit = Quotas(house.database), Audit(house.database)
    access = AccessRpc(Keys(house.database), quotas, audit)
    status = StatusRpc(lambda: survey(house.database, house.queue), {"search": behind, "decoding": nobody})
    hooks = WebhookRpc(Webhooks(house.database), HERE)
    services = [
        (SERVICE, public),
        (ACCESS, lambda s: add_AccessServiceServicer_to_server(access, s)),
        (WEBHOOKS, lambda s: add_WebhookServiceServicer_to_server(hooks, s)),
        (STATUS, lambda s: add_StatusServiceServicer_to_server(status, s)),
    ]
    bounds = CallBounds(quotas, HeldPlaces(Places(house.database)))
    guard = Access([descriptor for descriptor, _ in services], authenticator, bounds, audit)
    server = create_server(LOOPBACK, services, guard)
    # As a client has it that uploads; see `channel`.
    with channel(f"127.0.0.1:{server.port}", retries=False) as connection:
        yield SimpleNamespace(
            stub=VideoIndexServiceStub(connection),
            channel=connection,
            address=f"127.0.0.1:{server.port}",
            house=house,
            search=search,
            transcription=transcription,
            chaptering=outliner,
            decoding=decoding,
            folder=folder,
        )
    server.stop()
    inner.stop()
    reader.stop()
    maker.stop()
    cutter.stop()


def header(**changes) -> pb.UploadVideoRequest:
    fields = {"parent": "collections/c", "request_id": "r1", "file_name": "film.mp4", "size_bytes": len(FILM)}
    return pb.UploadVideoRequest(header=pb.UploadHeader(**{**fields, **changes}))


def chunks(data: bytes, size: int = 100_000) -> Iterator[pb.UploadVideoRequest]:
    for at in range(0, len(data), size):
        yield pb.UploadVideoRequest(chunk=data[at : at + size])


def upload(gateway, data: bytes = FILM, **changes) -> pb.Video:
    def messages():
        yield header(size_bytes=changes.pop("size_bytes", len(data)), **changes)
        yield from chunks(data)

    return gateway.stub.UploadVideo(messages(), timeout=60)


def refused(call, code: grpc.StatusCode) -> tuple[str, dict[str, str]]:
    """The reason and the field violations of a call that must fail with this code."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert caught.value.code() == code, caught.value
    reason, fields = "", {}
    for detail in rpc_status.from_call(caught.value).details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            assert info.domain == "vidx"
            reason = info.reason
        elif detail.Unpack(bad):
            fields = {v.field: v.description for v in bad.field_violations}
    return reason, fields
