"""What a real OTLP collector gets of one indexing and of one search: whole trees, over every process and queue."""

from collections import Counter

import pytest
from opentelemetry.trace import SpanKind
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.pipeline import workflow
from services.runtime.grpc_client import channel
from tests.e2e.index import jobs
from tests.media.films import film
from tests.media.pictures import pan
from tests.servers.collector import Collector, Span
from tests.servers.platform import Platform

GATEWAY = "vidx.gateway.v1.VideoIndexService"
SERVER, CLIENT = SpanKind.SERVER.value + 1, SpanKind.CLIENT.value + 1
PRODUCER, CONSUMER = SpanKind.PRODUCER.value + 1, SpanKind.CONSUMER.value + 1
"""OTLP counts the kinds from 1."""


def by_id(spans: list[Span]) -> dict[str, Span]:
    found = {span.id: span for span in spans}
    assert len(found) == len(spans), "a span came twice"
    return found


def chain(spans: dict[str, Span], span: Span) -> list[tuple[str, str]]:
    """(service, name) of a span and of all above it, the root last."""
    names = [(span.service, span.name)]
    while span.parent in spans:
        span = spans[span.parent]
        names.append((span.service, span.name))
    return names


@pytest.fixture(scope="module")
def indexed(platform: Platform, collector: Collector, tmp_path_factory) -> tuple[str, list[Span]]:
    """A video of two segments, and its trace when every job has been reported."""
    path = film(
        tmp_path_factory.mktemp("films") / "traced.mp4", (p for seed in (71, 72) for p in pan(seed, 75, 160, 90))
    )
    video = platform.messages("index", str(path), "--collection", "traced", "--wait")[-1]
    assert video["state"] == "READY", video
    name = video["name"]
    trace = collector.trace_of(lambda s: s.attributes.get("vidx.video") == name)
    done = len(jobs(platform, name))
    return name, collector.whole(
        trace,
        lambda spans: (
            sum(s.kind == CONSUMER and s.name == "report" for s in spans) >= done
            and sum(s.kind == CONSUMER and s.name != "report" for s in spans) >= done
            and any(s.name == "video READY" for s in spans)
            and any(not s.parent for s in spans)
            # Each process sends its spans when it gets to it.
            and {s.parent for s in spans if s.parent} <= {s.id for s in spans}
        ),
    )


def test_one_indexing_is_one_tree_from_the_upload_over_every_job_to_ready(
    platform: Platform, indexed: tuple[str, list[Span]]
) -> None:
    name, found = indexed
    spans = by_id(found)
    roots = [s for s in found if not s.parent]
    assert [(s.service, s.name, s.kind) for s in roots] == [("gateway", f"{GATEWAY}/UploadVideo", SERVER)]
    assert {s.parent for s in found if s.parent} <= set(spans), "a span hangs under none that came"
    root = roots[0].id

    work = [s for s in found if s.kind == CONSUMER and s.name != "report"]
    known = jobs(platform, name)
    wanted = Counter((step, segment, attempt) for (step, segment), (attempt, _) in known.items())
    assert Counter((s.name, s.attributes.get("vidx.segment", -1), s.attributes["vidx.attempt"]) for s in work) == wanted
    assert {s.name for s in work} == {step.name for step in workflow.STEPS}
    for span in work:
        assert span.service == workflow.BY_NAME[span.name].stage
        sent = spans[span.parent]
        assert (sent.service, sent.name, sent.kind, sent.parent) == ("pipeline", f"send {span.name}", PRODUCER, root)
        told = [s for s in found if s.parent == span.id and s.name == "report"]
        assert [(s.service, s.kind, s.attributes["vidx.event"]) for s in told] == [("pipeline", CONSUMER, "succeeded")]

    (ready,) = (s for s in found if s.name == "video READY")
    assert (ready.service, ready.parent) == ("pipeline", root)
    assert ready.start < min(s.start for s in work)
    assert max(s.end for s in work) <= ready.end
    assert not [s for s in found if s.error]


def test_what_a_job_asks_of_others_lies_under_it(indexed: tuple[str, list[Span]]) -> None:
    _, found = indexed
    spans = by_id(found)
    chains = [chain(spans, s) for s in found]
    inferred = {c[1] for c in chains if c[0][0] == "embedding" and c[0][1].startswith("infer ")}
    assert {("embedding", "embedding.segment"), ("embedding", "embedding.title")} <= inferred
    written = {c[0][1] for c in chains if ("search", "search.index") in c}
    assert {"milvus upsert", "milvus query"} <= written


def test_one_search_is_one_tree_under_its_callers_span(
    platform: Platform, collector: Collector, indexed: tuple[str, list[Span]]
) -> None:
    trace, caller = "5eed" * 8, "ca11" * 4
    with channel(platform.address) as connection:
        VideoIndexServiceStub(connection).Search(
            # Words that no other test asks for: a query that the embedding service knows is not inferred again.
            pb.SearchRequest(parent="collections/traced", query="a trace of feet in the snow"),
            metadata=[("traceparent", f"00-{trace}-{caller}-01")],
            timeout=60,
        )
    calls = [
        ("gateway", f"{GATEWAY}/Search", SERVER),
        ("gateway", "vidx.search.v1.SearchService/Search", CLIENT),
        ("search", "vidx.search.v1.SearchService/Search", SERVER),
        ("search", "vidx.embedding.v1.EmbeddingService/EmbedText", CLIENT),
        ("embedding", "vidx.embedding.v1.EmbeddingService/EmbedText", SERVER),
    ]
    found = collector.whole(
        trace, lambda some: {(s.service, s.name, s.kind) for s in some} >= set(calls) and _settled(some)
    )
    spans = by_id(found)
    (root,) = (s for s in found if s.parent not in spans)
    assert (root.service, root.name, root.parent) == ("gateway", f"{GATEWAY}/Search", caller)
    at = root
    for service, name, kind in calls[1:]:
        (at,) = (s for s in found if (s.service, s.name, s.kind, s.parent) == (service, name, kind, at.id))
    inferred = [s for s in found if s.name.startswith("infer ")]
    assert inferred
    assert {s.parent for s in inferred} == {at.id}
    asked = [s for s in found if s.name == "milvus search"]
    assert len(asked) >= 2, "pictures and texts are searched"
    assert {chain(spans, s)[1] for s in asked} == {("search", "vidx.search.v1.SearchService/Search")}


def _settled(spans: list[Span]) -> bool:
    """No span waits for its parent, but for the one under the caller's."""
    known = {s.id for s in spans}
    return sum(s.parent not in known for s in spans) == 1


def test_log_lines_name_the_trace(platform: Platform, indexed: tuple[str, list[Span]]) -> None:
    name, found = indexed
    lines = [*platform.log("decoding").splitlines(), *platform.log("decoding-2").splitlines()]
    mine = [line for line in lines if '"job_done"' in line and name in line]
    assert mine
    assert all(f'"trace_id": "{found[0].trace}"' in line and '"span_id": "' in line for line in mine)
