"""The pipeline's process: takes reports off its queue, and reconciles."""

import threading

from services.catalog.database import Database
from services.catalog.settings import CatalogSettings
from services.core.errors import VidxError
from services.pipeline.celery import CeleryQueue
from services.pipeline.control import Control
from services.pipeline.metrics import OverviewCollector
from services.pipeline.overview import survey
from services.pipeline.reconciler import Reconciler
from services.pipeline.search_client import SearchIndex
from services.pipeline.sending import Sender, WebhookSettings
from services.pipeline.service import Pipeline
from services.pipeline.settings import PipelineSettings
from services.pipeline.tasks import register
from services.runtime import grpc_client, metrics, service, store, telemetry, worker
from services.runtime.queue import REPORT_QUEUE, celery_app
from services.runtime.settings import ClientSettings, QueueSettings, StoreSettings, WorkerSettings, read

_log = telemetry.log(__name__)


def main() -> None:
    service.role("pipeline", ("work",))
    service.begin("pipeline")
    settings = read(PipelineSettings)
    database = Database(read(CatalogSettings))
    database.migrate()
    app = celery_app(read(QueueSettings))
    queue = CeleryQueue(app)
    artifacts = store.connect(read(StoreSettings))
    control = Control(
        database, artifacts, queue, SearchIndex(grpc_client.channel(settings.search_address, read(ClientSettings)))
    )
    pipeline = Pipeline(database, queue, settings)
    reconciler = Reconciler(database, artifacts, queue, pipeline, control, settings)
    register(app, pipeline)
    metrics.REGISTRY.register(OverviewCollector(lambda: survey(database, queue)))
    over = threading.Event()
    thread = threading.Thread(target=_tick, args=(reconciler, over, settings.tick_s), daemon=True)
    thread.start()
    webhook_settings = read(WebhookSettings)
    sender = Sender(database, webhook_settings)
    messages = threading.Thread(target=_send, args=(sender, over, webhook_settings.tick_s), daemon=True)
    messages.start()
    service.settle()
    worker.run(app, REPORT_QUEUE, settings.concurrency, read(WorkerSettings).alive)
    over.set()
    thread.join(10)
    messages.join(10)
    database.close()


def _tick(reconciler: Reconciler, over: threading.Event, every_s: float) -> None:
    while not over.wait(every_s):
        reconciler.look()


def _send(sender: Sender, over: threading.Event, every_s: float) -> None:
    while not over.wait(every_s):
        try:
            while sender.look() and not over.is_set():
                pass
        except VidxError as error:
            _log.warning("messages_delayed", reason=error.reason, message=error.message)
        except Exception:
            _log.error("messages_crashed", exc_info=True)


if __name__ == "__main__":
    main()
