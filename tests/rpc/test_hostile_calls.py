"""Every method of the public services with requests that are wrong, huge, missing, negative, no UTF-8 or no message."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace

import psutil
import pytest
import sqlalchemy as sa
from google.protobuf.descriptor import MethodDescriptor
from vidx.gateway.v1 import access_service_pb2 as access_pb
from vidx.gateway.v1 import status_service_pb2 as status_pb
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.catalog.models import Collection
from tests.fakes.house import open_house
from tests.fakes.public_api import serving
from tests.hostile import calls

# What deletes comes last, for the others must find something.
METHODS = sorted(
    (
        method
        for descriptor in (pb.DESCRIPTOR, access_pb.DESCRIPTOR, status_pb.DESCRIPTOR)
        for service in descriptor.services_by_name.values()
        for method in service.methods
    ),
    key=lambda method: method.name.startswith("Delete"),
)
EACH = 40
KNOWN = ("collections/c", "collections/c/videos/v", "collections/c/videos/w", "c", "v")
FAULTS = {"INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "DATA_LOSS"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    folder = tmp_path_factory.mktemp("gateway")
    with open_house(folder) as house:
        for video in ("v", "w"):
            house.add(video)
        house.work()
        with serving(house, folder) as found:
            yield found


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.full_name.removeprefix("vidx.gateway.v1."))
def test_a_hostile_request_is_answered_in_words(gateway, method: MethodDescriptor) -> None:
    wrong = []
    for number, request in enumerate(calls.requests(method, EACH, KNOWN)):
        code, text = calls.ended(gateway.channel, method, request, timeout_s=30)
        if code in FAULTS or "Traceback" in text or ".py" in text or "sqlalchemy" in text.lower():
            wrong.append((number, code, text[:300], request[:200]))
    assert wrong == []


def test_nothing_grows_with_them_and_nothing_of_the_catalog_is_gone(gateway) -> None:
    def held() -> tuple[int, int]:
        return threading.active_count(), psutil.Process().num_fds()

    chosen = [method for method in METHODS if method.name.startswith(("Get", "List", "Search", "Ask", "Summarize"))]
    rounds = []
    for _ in range(3):
        for method in chosen:
            for request in calls.requests(method, 5, KNOWN):
                calls.ended(gateway.channel, method, request, timeout_s=30)
        rounds.append(held())
    assert rounds[2][0] <= rounds[0][0] + 2
    assert rounds[2][1] <= rounds[0][1] + 4
    with gateway.house.database.read() as session:
        tables = set(sa.inspect(session.connection()).get_table_names())
        assert {"videos", "collections", "jobs"} <= tables
        session.scalars(sa.select(Collection.id)).all()
