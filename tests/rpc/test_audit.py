"""The audit log: who changed what, or tried to; nothing secret; nothing is changed or lost."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
import structlog
from vidx.gateway.v1 import access_service_pb2 as pb
from vidx.gateway.v1 import video_index_service_pb2 as video_pb
from vidx.gateway.v1.access_service_pb2_grpc import AccessServiceStub
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.catalog.audit import Audit
from services.catalog.keys import Keys, Wanted
from services.core.access import Scope
from services.core.errors import Unavailable
from services.runtime.grpc_client import with_key
from tests.fakes.house import House
from tests.fakes.public_api import refused, serving, upload

GATEWAY, ACCESS = "vidx.gateway.v1.VideoIndexService/", "vidx.gateway.v1.AccessService/"


@pytest.fixture
def gateway(house: House, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A gateway that asks for keys; `admin` holds everything, `tenant` writes in `c`."""
    keys = Keys(house.database)
    with serving(house, tmp_path, keys) as found:
        for name, scope, held in (("admin", Scope.ADMIN, None), ("tenant", Scope.WRITE, ["c"])):
            row, secret = keys.create(Wanted(name, scope, held))
            setattr(found, name, with_key(found.channel, secret))
            setattr(found, f"{name}_id", f"keys/{row.id}")
        found.access = AccessServiceStub(found.admin)
        found.secret = secret
        yield found


def events(gateway, **asked) -> list[pb.AuditEvent]:
    request = pb.ListAuditEventsRequest(**{"parent": "collections/-", **asked})
    return list(gateway.access.ListAuditEvents(request, timeout=60).events)


def lines(found: list[pb.AuditEvent]) -> list[tuple[str, str, list[str], str]]:
    return [(e.actor, e.method.split("/")[1], list(e.resources), e.outcome) for e in found]


def test_what_is_changed_and_what_is_refused_is_kept_and_what_is_read_is_not(gateway) -> None:
    tenant = VideoIndexServiceStub(gateway.tenant)
    gateway.stub = tenant
    video = upload(gateway)
    tenant.GetVideo(video_pb.GetVideoRequest(name=video.name), timeout=60)
    tenant.UpdateVideo(video_pb.UpdateVideoRequest(video=video_pb.Video(name=video.name, title="t")), timeout=60)
    other = video_pb.GetVideoRequest(name="collections/other/videos/v")
    refused(lambda: tenant.GetVideo(other, timeout=60), grpc.StatusCode.NOT_FOUND)
    gone = video_pb.DeleteVideoRequest(name="collections/c/videos/gone")
    refused(lambda: tenant.DeleteVideo(gone, timeout=60), grpc.StatusCode.NOT_FOUND)
    make = video_pb.CreateCollectionRequest(collection_id="mine")
    refused(lambda: tenant.CreateCollection(make, timeout=60), grpc.StatusCode.PERMISSION_DENIED)
    key = pb.ApiKey(title="new", scope="READ", all_collections=True)
    made = gateway.access.CreateKey(pb.CreateKeyRequest(key=key), timeout=60)
    gateway.access.RevokeKey(pb.RevokeKeyRequest(name=made.key.name), timeout=60)
    found = events(gateway)
    assert lines(found) == [
        (gateway.admin_id, "RevokeKey", [made.key.name], "OK"),
        (gateway.admin_id, "CreateKey", [made.key.name], "OK"),
        (gateway.tenant_id, "CreateCollection", ["mine"], "DENIED"),
        (gateway.tenant_id, "DeleteVideo", ["collections/c/videos/gone"], "NOT_FOUND"),
        (gateway.tenant_id, "GetVideo", ["collections/other/videos/v"], "NOT_FOUND"),
        (gateway.tenant_id, "UpdateVideo", [video.name], "OK"),
        (gateway.tenant_id, "UploadVideo", ["collections/c", video.name], "OK"),
    ]
    assert all(e.peer.startswith("ipv4:127.0.0.1:") and e.time.seconds > 1_700_000_000 for e in found)
    text = str(found)
    assert made.secret not in text
    assert gateway.secret not in text
    assert made.secret.split("_")[2] not in text


def test_events_are_found_by_collection_actor_method_and_time_page_by_page(gateway) -> None:
    admin = VideoIndexServiceStub(gateway.admin)
    for n in range(3):
        admin.CreateCollection(video_pb.CreateCollectionRequest(collection_id=f"d{n}"), timeout=60)
        admin.DeleteCollection(video_pb.DeleteCollectionRequest(name=f"collections/d{n}"), timeout=60)
    assert [e.method for e in events(gateway, parent="collections/d1")] == [
        GATEWAY + "DeleteCollection",
        GATEWAY + "CreateCollection",
    ]
    deleted = events(gateway, method=GATEWAY + "DeleteCollection")
    assert [list(e.resources) for e in deleted] == [["collections/d2"], ["collections/d1"], ["collections/d0"]]
    assert events(gateway, actor=gateway.tenant_id) == []
    assert len(events(gateway, actor=gateway.admin_id)) == 6
    middle = deleted[1].time
    assert len(events(gateway, begin_time=middle)) == 3
    assert len(events(gateway, end_time=middle)) == 3
    first = gateway.access.ListAuditEvents(pb.ListAuditEventsRequest(parent="collections/-", page_size=4), timeout=60)
    rest = pb.ListAuditEventsRequest(parent="collections/-", page_size=4, page_token=first.next_page_token)
    second = gateway.access.ListAuditEvents(rest, timeout=60)
    assert [*first.events, *second.events] == events(gateway)
    assert second.next_page_token == ""


def test_a_tenants_administrator_sees_what_is_about_its_collection_alone(gateway) -> None:
    row, secret = Keys(gateway.house.database).create(Wanted("t", Scope.ADMIN, ["c"]))
    own = AccessServiceStub(with_key(gateway.channel, secret))
    stub = VideoIndexServiceStub(with_key(gateway.channel, secret))
    refused(lambda: stub.DeleteVideo(video_pb.DeleteVideoRequest(name="collections/c/videos/v"), timeout=60),
            grpc.StatusCode.NOT_FOUND)  # fmt: skip
    seen = own.ListAuditEvents(pb.ListAuditEventsRequest(parent="collections/c"), timeout=60).events
    assert [e.actor for e in seen] == [f"keys/{row.id}"]
    for parent in ("collections/-", "collections/other"):
        asked = pb.ListAuditEventsRequest(parent=parent)
        refused(lambda asked=asked: own.ListAuditEvents(asked, timeout=60), grpc.StatusCode.NOT_FOUND)


def test_what_cannot_be_kept_is_not_answered_as_done(gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_) -> None:
        raise Unavailable("the catalog does not answer")

    monkeypatch.setattr(Audit, "add", full)
    admin = VideoIndexServiceStub(gateway.admin)
    make = video_pb.CreateCollectionRequest(collection_id="d", request_id="r")
    monkeypatch.setattr("services.runtime.grpc_client._RETRIES", {})
    refused(lambda: admin.CreateCollection(make, timeout=60), grpc.StatusCode.UNAVAILABLE)
    monkeypatch.undo()
    assert admin.CreateCollection(make, timeout=60).name == "collections/d"


def test_the_command_line_shows_it(gateway, vidx, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VIDX_ADDRESS", gateway.address)
    row, secret = Keys(gateway.house.database).create(Wanted("cli", Scope.ADMIN, None))
    monkeypatch.setenv("VIDX_API_KEY", secret)
    with structlog.testing.capture_logs():
        vidx("collections", "create", "d")
        vidx("collections", "delete", "d")
        (line,) = vidx("audit", "--collection", "d", "--method", "DeleteCollection", "--since", "1h").lines
        assert line.split("\t")[1:5] == [f"keys/{row.id}", "DeleteCollection", "OK", "collections/d"]
        assert len(vidx("audit", "--limit", "1", "--json").lines) == 1
