"""The gateway's process."""

import sys

from google.protobuf.descriptor import ServiceDescriptor
from vidx.chaptering.v1.chaptering_service_pb2_grpc import ChapteringServiceStub
from vidx.decoding.v1.decoding_service_pb2_grpc import DecodingServiceStub
from vidx.gateway.v1.access_service_pb2_grpc import add_AccessServiceServicer_to_server
from vidx.gateway.v1.status_service_pb2_grpc import add_StatusServiceServicer_to_server
from vidx.gateway.v1.webhook_service_pb2_grpc import add_WebhookServiceServicer_to_server
from vidx.search.v1.search_service_pb2_grpc import SearchServiceStub
from vidx.transcription.v1.transcription_service_pb2_grpc import TranscriptionServiceStub

from services.catalog.audit import Audit
from services.catalog.database import Database
from services.catalog.keys import Keys
from services.catalog.places import Places
from services.catalog.quotas import Quotas
from services.catalog.settings import CatalogSettings
from services.core.errors import VidxError
from services.gateway.access.bounds import CallBounds
from services.gateway.access.guard import Access
from services.gateway.access.places import HeldPlaces
from services.gateway.access.rpc import SERVICE as ACCESS
from services.gateway.access.rpc import AccessRpc
from services.gateway.access.settings import AccessSettings
from services.gateway.access.tokens import credentials
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
from services.gateway.rpc import SERVICE, joined
from services.gateway.search_rpc import SearchRpc
from services.gateway.settings import GatewaySettings, ImportSettings
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
from services.pipeline.celery import CeleryQueue
from services.pipeline.control import Control
from services.pipeline.doctor import Doctor
from services.pipeline.mender import Mender
from services.pipeline.overview import survey
from services.pipeline.search_client import SearchIndex
from services.pipeline.sending import WebhookSettings
from services.pipeline.webhooks import Webhooks
from services.runtime import grpc_client, service, store, store_urls
from services.runtime.grpc_server import Register, asked_to_end, create_server
from services.runtime.queue import celery_app
from services.runtime.settings import ClientSettings, QueueSettings, ServerSettings, StoreSettings, read


def main() -> None:
    service.role("gateway", ("serve",))
    service.begin("gateway")
    settings = read(GatewaySettings)
    server_settings, access_settings = read(ServerSettings), read(AccessSettings)
    database = Database(read(CatalogSettings))
    database.migrate()
    store_settings = read(StoreSettings)
    artifacts = store.connect(store_settings)
    client, queue_settings = read(ClientSettings), read(QueueSettings)
    search = grpc_client.channel(settings.search_address, client)
    decoding = grpc_client.channel(settings.decoding_address, client)
    transcription = grpc_client.channel(settings.transcription_address, client)
    subtitles = Subtitles(TranscriptionServiceStub(transcription), settings.call_s)
    making = grpc_client.channel(settings.chaptering_address, client)
    chaptering = Chaptering(ChapteringServiceStub(making), settings.call_s, settings.making_s, settings.max_making)
    texts = Texts(database, artifacts)
    index, queue = SearchIndex(search), CeleryQueue(celery_app(queue_settings))
    control = Control(database, artifacts, queue, index)
    mender = Mender(database, artifacts, control)
    chapters = VideoChapters(database, artifacts, control, chaptering)
    intake = Intake(database, artifacts, control, subtitles, settings.max_upload_bytes, settings.max_uploads)
    decoder = DecodingServiceStub(decoding)
    collections = Collections(database, control)
    videos = Videos(database, artifacts, control, settings.watch_s, settings.max_watchers)
    public = joined(
        CollectionRpc(collections),
        IntakeRpc(intake, Importer(read(ImportSettings)), videos),
        VideoRpc(videos, control),
        SearchRpc(collections, videos, SearchServiceStub(search), decoder, settings.call_s),
        TextRpc(texts, Edits(database, control, texts, subtitles), subtitles, videos),
        ChapterRpc(chapters, VideoSummaries(chapters, chaptering), Answers(database, chaptering), videos),
        SkimRpc(VideoSkims(chapters, chaptering), Films(decoder, settings.cut_s, settings.max_cuts), videos),
        UrlRpc(DirectUrls(database, artifacts, intake, store_urls.connect(store_settings)), intake, videos),
        DoctorRpc(lambda deep: Doctor(database, artifacts, index, mender, deep=deep)),
    )
    # These hold a thread for as long as they take; the others must not wait for one.
    held = settings.max_watchers + settings.max_uploads + settings.max_making + settings.max_cuts
    threads = server_settings.model_copy(update={"threads": server_settings.threads + held})
    keys, quotas, audit = Keys(database), Quotas(database), Audit(database)
    access = AccessRpc(keys, quotas, audit)
    hooks = WebhookRpc(Webhooks(database), read(WebhookSettings))
    called = {"search": search, "decoding": decoding, "transcription": transcription, "chaptering": making}
    status = StatusRpc(lambda: survey(database, queue), called)
    services: list[tuple[ServiceDescriptor, Register]] = [
        (SERVICE, public),
        (ACCESS, lambda s: add_AccessServiceServicer_to_server(access, s)),
        (WEBHOOKS, lambda s: add_WebhookServiceServicer_to_server(hooks, s)),
        (STATUS, lambda s: add_StatusServiceServicer_to_server(status, s)),
    ]
    try:
        known = credentials(access_settings, keys) if access_settings.asks(server_settings) else None
        bounds = CallBounds(quotas, HeldPlaces(Places(database)), queue_settings.url.get_secret_value())
        guard = Access([descriptor for descriptor, _ in services], known, bounds, audit)
        asked = asked_to_end()
        server = create_server(threads, services, guard, settings.max_uploads + server_settings.threads // 2)
    except VidxError as error:
        sys.exit(f"the gateway cannot start: {error.message}")
    service.settle()
    server.serve_until(asked)
    database.close()


if __name__ == "__main__":
    main()
