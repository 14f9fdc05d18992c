"""An OTLP collector in the test's own process: it takes what a platform exports, and keeps it by trace."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as rpc

T = TypeVar("T")
WITHIN_S = 120.0


@dataclass(frozen=True)
class Span:
    """A span as it came. Ids are hex; `parent` is empty for a root."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    kind: int
    error: str
    start: int
    end: int
    attributes: dict[str, str | int | float | bool]


@dataclass
class Collector(rpc.TraceServiceServicer):
    """Spans by trace, in order of their arrival."""

    port: int = 0
    traces: dict[str, list[Span]] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def Export(  # noqa: N802
        self, request: pb.ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> pb.ExportTraceServiceResponse:
        found = list(_spans(request))
        with self.changed:
            for span in found:
                self.traces.setdefault(span.trace, []).append(span)
            self.changed.notify_all()
        return pb.ExportTraceServiceResponse()

    def spans(self) -> list[Span]:
        """All that came so far."""
        with self.changed:
            return [span for trace in self.traces.values() for span in trace]

    def trace_of(self, wanted: Callable[[Span], bool]) -> str:
        """The trace of the first span that is wanted; waits for it."""
        return self._await(lambda: next((s.trace for t in self.traces.values() for s in t if wanted(s)), None), "it")

    def whole(self, trace: str, enough: Callable[[Sequence[Span]], bool]) -> list[Span]:
        """The trace's spans, once they are enough."""

        def found() -> list[Span] | None:
            spans = self.traces.get(trace, [])
            return list(spans) if enough(spans) else None

        return self._await(found, f"all of trace {trace}")

    def _await(self, look: Callable[[], T | None], what: str) -> T:
        deadline = time.monotonic() + WITHIN_S
        with self.changed:
            while (found := look()) is None:
                if not self.changed.wait(deadline - time.monotonic()):
                    seen = {t: sorted(f"{s.service} {s.name}" for s in spans) for t, spans in self.traces.items()}
                    raise AssertionError(f"{what} never came; there is {seen}"[:8000])
            return found


@contextmanager
def serving() -> Iterator[Collector]:
    """A collector on a free loopback port."""
    collector = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(8))
    rpc.add_TraceServiceServicer_to_server(collector, server)
    collector.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield collector
    finally:
        server.stop(0).wait()


def _spans(request: pb.ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        about = {a.key: a.value.string_value for a in resource.resource.attributes}
        for scope in resource.scope_spans:
            for s in scope.spans:
                facts = {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in s.attributes}
                error = s.status.message if s.status.code == s.status.STATUS_CODE_ERROR else ""
                ids = s.trace_id.hex(), s.span_id.hex(), s.parent_span_id.hex()
                times = s.start_time_unix_nano, s.end_time_unix_nano
                yield Span(about["service.name"], s.name, *ids, s.kind, error, *times, facts)
