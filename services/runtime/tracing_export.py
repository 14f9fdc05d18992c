"""How spans leave a process: in batches from a bounded queue, over OTLP and gRPC."""

import threading
from collections.abc import Callable, Sequence

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from services.runtime import metrics, telemetry
from services.runtime.settings import Tracing

_log = telemetry.log(__name__)


def provider(
    service: str, settings: Tracing, export_s: float, end_s: float
) -> tuple[TracerProvider, Callable[[], None]]:
    """What records, and what ends it: it waits for at most `end_s`.

    The SDK's own variables hold as everywhere: OTEL_TRACES_SAMPLER, OTEL_BSP_*, OTEL_RESOURCE_ATTRIBUTES, and those of
    the exporter for headers, certificates and compression.
    """
    resource = Resource.create(
        {"service.name": service, "service.namespace": "vidx", "service.version": metrics.release()}
    )
    made = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = _Told(OTLPSpanExporter(endpoint=settings.endpoint, timeout=export_s), settings.endpoint)
    processor = BatchSpanProcessor(exporter)
    made.add_span_processor(processor)

    def close() -> None:
        # The processor's own shutdown takes half a minute when nobody answers.
        last = threading.Thread(target=processor.force_flush, daemon=True)
        last.start()
        last.join(end_s)
        exporter.shutdown()

    return made, close


class _Told(SpanExporter):
    """Counts what comes of each batch, and says once that the collector is away, and once that it is back."""

    def __init__(self, exporter: SpanExporter, endpoint: str) -> None:
        self._exporter = exporter
        self._endpoint = endpoint
        self._away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        away = result is not SpanExportResult.SUCCESS
        metrics.TRACE_EXPORTS.labels("failed" if away else metrics.OK).inc()
        if away and not self._away:
            _log.warning("collector_away", endpoint=self._endpoint, message="spans are dropped until it answers")
        elif self._away and not away:
            _log.info("collector_back", endpoint=self._endpoint)
        self._away = away
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)
