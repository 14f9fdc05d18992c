"""Every method of the public services with requests that are wrong, huge, missing, negative, no UTF-8 or no message."""

import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import grpc
import psutil
import pytest
import sqlalchemy as sa
from google.protobuf.descriptor import MethodDescriptor
from vidx.gateway.v1 import access_service_pb2 as access_pb
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.access_service_pb2_grpc import AccessServiceStub
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.catalog.models import Collection
from tests.fakes.house import open_house
from tests.fakes.public_api import refused, serving
from tests.hostile import calls
from tests.servers.postgres import Postgres

PROTOS = Path(__file__).parents[2] / "protos"
# What deletes comes last, for the others must find something.
METHODS = sorted(
    (
        method
        for file in sorted((PROTOS / "vidx/gateway").glob("v*/*.proto"))
        for service in import_module(
            ".".join(file.relative_to(PROTOS).with_suffix("").parts) + "_pb2"
        ).DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ),
    key=lambda method: method.name.startswith("Delete"),
)
EACH = {"sqlite": 40, "postgresql": 10}
"""Requests of each method that are messages of it. What a database makes of them differs in few of its fields."""
KNOWN = ("collections/c", "collections/c/videos/v", "collections/c/videos/w", "c", "v")
FAULTS = {"INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "DATA_LOSS"}
INVALID, MISSING = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND


@pytest.fixture(scope="module", params=sorted(EACH, reverse=True))
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    folder, catalog = tmp_path_factory.mktemp("gateway"), None
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgresql")
        catalog = server.settings(server.migrated())
    with open_house(folder, catalog) as house:
        for video in ("v", "w"):
            house.add(video)
        house.work()
        with serving(house, folder) as found:
            found.each = EACH[request.param]
            yield found


CODE = (
    "'; DROP TABLE videos; --",
    "x' UNION SELECT id, digest FROM api_keys --",
    '"; DELETE FROM "videos" WHERE "1" = "1',
    "' OR '1'='1",
    "$$; SELECT pg_sleep(60); $$",
    "%(id)s :id ? $1 {0}",
    "%",
    "_",
    "E'\\x27'",
)
"""What would do or let through something when it became part of a query."""


@pytest.mark.parametrize("text", CODE)
def test_what_is_said_of_videos_is_data_to_the_catalog(gateway, text: str) -> None:
    stub, access = VideoIndexServiceStub(gateway.channel), AccessServiceStub(gateway.channel)
    code = f"r{''.join(text.split())}"[:128]
    mine = pb.Video(name="collections/c/videos/v", title=text, labels={"a": text})
    changed = stub.UpdateVideo(pb.UpdateVideoRequest(video=mine), timeout=30)
    assert (changed.title, changed.labels["a"]) == (text.strip(), text)
    assert stub.GetVideo(pb.GetVideoRequest(name=mine.name), timeout=30).title == text.strip()
    labelled = pb.UpdateCollectionRequest(collection=pb.Collection(name="collections/c", shot_labels=[text]))
    assert list(stub.UpdateCollection(labelled, timeout=30).shot_labels) == [text]
    # Names that are code name nothing, and what is asked for by them matches nothing.
    for name in (f"collections/{text}", f"collections/c/videos/{text}"):
        refused(lambda name=name: stub.GetVideo(pb.GetVideoRequest(name=name), timeout=30), INVALID)
    kept = pb.GetUploadRequest(parent="collections/c", request_id=code)
    refused(lambda: stub.GetUpload(kept, timeout=30), MISSING)
    asked = access_pb.ListAuditEventsRequest(parent="collections/-", actor=text, method=text)
    assert list(access.ListAuditEvents(asked, timeout=30).events) == []
    page = pb.ListVideosRequest(parent="collections/c", page_token=text)
    refused(lambda: stub.ListVideos(page, timeout=30), INVALID)
    key = access_pb.ApiKey(title=text, scope="READ", collections=["collections/c"])
    assert access.CreateKey(access_pb.CreateKeyRequest(key=key), timeout=30).key.title == " ".join(text.split())
    listed = stub.ListVideos(pb.ListVideosRequest(parent="collections/c"), timeout=30).videos
    assert {video.name for video in listed} == {mine.name, "collections/c/videos/w"}


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.full_name.removeprefix("vidx.gateway.v1."))
def test_a_hostile_request_is_answered_in_words(gateway, method: MethodDescriptor) -> None:
    wrong = []
    for number, request in enumerate(calls.requests(method, gateway.each, KNOWN)):
        code, text = calls.ended(gateway.channel, method, request, timeout_s=30)
        if code in FAULTS or "Traceback" in text or ".py" in text or "sqlalchemy" in text.lower():
            wrong.append((number, code, text[:300], request[:200]))
    assert wrong == []


def test_nothing_grows_with_them_and_nothing_of_the_catalog_is_gone(gateway) -> None:
    rounds: list[tuple[int, int]] = []

    def grows() -> bool:
        """Whether the last three rounds have left more threads or files."""
        return len(rounds) < 3 or rounds[-1][0] > rounds[-3][0] + 2 or rounds[-1][1] > rounds[-3][1] + 4

    chosen = [method for method in METHODS if method.name.startswith(("Get", "List", "Search", "Ask", "Summarize"))]
    # What leaks does so in every round. Pools of threads and connections, which a busy machine fills late, have an end.
    while grows():
        assert len(rounds) < 9, rounds
        for method in chosen:
            for request in calls.requests(method, 5, KNOWN):
                calls.ended(gateway.channel, method, request, timeout_s=30)
        rounds.append((threading.active_count(), psutil.Process().num_fds()))
    with gateway.house.database.read() as session:
        tables = set(sa.inspect(session.connection()).get_table_names())
        assert {"videos", "collections", "jobs"} <= tables
        session.scalars(sa.select(Collection.id)).all()
