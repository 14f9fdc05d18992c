"""A walk over every method of the public services: without a key, with another tenant's, with too small a scope."""

import importlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from vidx.access.v1 import rule_pb2
from vidx.gateway.v1 import access_service_pb2 as access_pb
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.access_service_pb2_grpc import AccessServiceStub
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.catalog.database import Database
from services.catalog.keys import Keys, Wanted
from services.catalog.models import Collection, Video
from services.core.access import Scope
from services.gateway.access import guard, names
from services.runtime.grpc_client import with_key
from tests.fakes.house import open_house
from tests.fakes.public_api import refused, serving

PROTOS = Path(__file__).parents[2] / "protos"
METHODS = [
    method
    for file in sorted((PROTOS / "vidx/gateway").glob("v*/*.proto"))
    for service in importlib.import_module(
        ".".join(file.relative_to(PROTOS).with_suffix("").parts) + "_pb2"
    ).DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
OWN = re.compile("^BEGIN|api_keys|INTO audit_events")
"""Queries about the caller, which come whatever it asks for."""
UNAUTHENTICATED, DENIED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
NOT_FOUND, OK = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.OK


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A gateway that asks for keys, with the collections `c`, `other` and `spare`, and a video in `c`."""
    folder = tmp_path_factory.mktemp("gateway")
    with open_house(folder) as house:
        keys = Keys(house.database)
        with house.database.write() as session:
            session.add_all([Collection(id=one, created=1) for one in ("other", "spare")])
        house.add("v")
        with serving(house, folder, keys) as found:
            found.keys = keys
            yield found


def key(gateway, scope: Scope = Scope.ADMIN, collections=("c",)) -> str:
    return gateway.keys.create(Wanted("a test", scope, collections))[1]


def method_of(name: str) -> MethodDescriptor:
    return next(method for method in METHODS if method.name == name)


def rule(method: MethodDescriptor) -> rule_pb2.Rule:
    return method.GetOptions().Extensions[rule_pb2.rule]


def request(method: MethodDescriptor, collection: str) -> Message:
    """A request with every name in it, of a video where there may be one, in a collection."""
    message = message_factory.GetMessageClass(method.input_type)()
    for path in names.paths(method.input_type):
        *above, field = path
        inner = message
        for one in above:
            inner = getattr(inner, one.name).add() if one.is_repeated else getattr(inner, one.name)
        fill(inner, field, collection, method)
    return message


def fill(message: Message, field: FieldDescriptor, collection: str, method: MethodDescriptor) -> None:
    of_a_collection = "Collection" in method.name or method.name in (
        "UploadVideo", "GetUpload", "ImportVideo", "ListVideos", "Search", "Ask",
    )  # fmt: skip
    text = f"collections/{collection}" if of_a_collection else f"collections/{collection}/videos/v"
    if field.name == "collection_id":
        text = collection
    if field.is_repeated:
        getattr(message, field.name).append(text)
    else:
        setattr(message, field.name, text)


def answer(gateway, method: MethodDescriptor, message: Message, secret: str = "") -> tuple[grpc.StatusCode, str, list]:
    """Code, text and messages that a method answers with."""
    channel = with_key(gateway.channel, secret)
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    call = getattr(channel, kind)(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda m: m.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    try:
        found = call(iter([message]) if method.client_streaming else message, timeout=60)
        return OK, "", list(found) if method.server_streaming else [found]
    except grpc.RpcError as error:
        return error.code(), error.details(), []


@contextmanager
def queries_of(database: Database) -> Iterator[list[str]]:
    """The queries that are put to a catalog meanwhile."""
    found: list[str] = []

    def note(*arguments: Any) -> None:
        found.append(arguments[2])

    sa.event.listen(database._engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(database._engine, "before_cursor_execute", note)


def test_the_walk_is_over_what_the_server_serves(gateway) -> None:
    served = ProtoReflectionDescriptorDatabase(with_key(gateway.channel, key(gateway))).get_services()
    walked = {method.containing_service.full_name for method in METHODS}
    assert set(served) - walked == {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    for name in walked:
        assert name in served
        assert Default().FindServiceByName(name).methods


def test_reflection_needs_a_key(gateway) -> None:
    refused(lambda: ProtoReflectionDescriptorDatabase(gateway.channel).get_services(), UNAUTHENTICATED)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_without_a_key_or_with_one_that_opens_nothing_nobody_is_let_in(gateway, method: MethodDescriptor) -> None:
    good = key(gateway, collections=None)
    row, revoked = gateway.keys.create(Wanted("revoked", Scope.ADMIN, None))
    gateway.keys.revoke(row.id)
    wrong = ["", revoked, good[:-1], good + "a", good[:14] + "b" * 52, "vidx_", "x", "eyJhbGciOiJub25lIn0.e30."]
    message = request(method, "c")
    assert {answer(gateway, method, message, one)[:2] for one in wrong} == {
        (UNAUTHENTICATED, "send a key or a token in the call's metadata: authorization: Bearer ..."),
        (UNAUTHENTICATED, "this key or token is not known, is not for this platform, or has ended"),
    }


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_too_small_a_scope_is_refused_and_the_right_one_is_not(gateway, method: MethodDescriptor) -> None:
    needed = Scope(rule(method).scope)
    held = None if rule(method).reach == rule_pb2.PLATFORM else ("spare",)
    message = request(method, "spare")
    for scope in Scope:
        code, text, _ = answer(gateway, method, message, key(gateway, scope, held))
        if scope < needed:
            assert (code, f"needs the scope '{needed.name.lower()}'" in text) == (DENIED, True)
        else:
            assert code not in (DENIED, UNAUTHENTICATED), text


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_another_tenants_key_opens_nothing_and_does_not_tell_what_is_there(gateway, method: MethodDescriptor) -> None:
    secret = key(gateway, collections=("c", "mine"))
    answers, asked = [], []
    for collection in ("other", "nowhere"):
        with queries_of(gateway.house.database) as queries:
            code, text, messages = answer(gateway, method, request(method, collection), secret)
        answers.append((code, text.replace(collection, "?"), [str(m) for m in messages]))
        asked.append([query for query in queries if not OWN.search(query)])
    assert answers[0] == answers[1]
    code, text, messages = answers[0]
    if rule(method).reach == rule_pb2.LISTED:
        assert (code, "other" in messages[0]) == (OK, False)
        assert "collections/c" in messages[0]
        return
    # Nothing was looked up, so the time taken cannot tell either.
    assert asked == [[], []]
    if rule(method).reach == rule_pb2.PLATFORM or method.name == "CreateCollection":
        assert code == DENIED
    else:
        assert code == NOT_FOUND
        assert text.startswith(("no collections/?; create it first", "no video collections/?/videos/v"))


def test_one_name_of_another_tenant_among_others_is_refused(gateway) -> None:
    stub = VideoIndexServiceStub(with_key(gateway.channel, key(gateway)))
    ask = pb.AskRequest(parent="collections/c", question="why?", videos=["collections/other/videos/v"])
    refused(lambda: stub.Ask(ask, timeout=60), NOT_FOUND)
    search = pb.SearchRequest(parent="collections/c", query="a dog")
    search.filter.videos.append("collections/other/videos/v")
    refused(lambda: stub.Search(search, timeout=60), NOT_FOUND)


def test_what_is_no_name_is_refused_before_anything_is_done(gateway) -> None:
    stub = VideoIndexServiceStub(with_key(gateway.channel, key(gateway)))
    for name in ("", "c", "/collections/c", "collections/", "collections/C", "collections//videos/v", "keys/c"):
        refused(
            lambda name=name: stub.GetVideo(pb.GetVideoRequest(name=name), timeout=60), grpc.StatusCode.INVALID_ARGUMENT
        )


def test_a_second_message_of_a_stream_is_looked_at_like_the_first(gateway) -> None:
    stub = VideoIndexServiceStub(with_key(gateway.channel, key(gateway)))

    def messages():
        for collection in ("c", "other"):
            yield pb.UploadVideoRequest(
                header=pb.UploadHeader(parent=f"collections/{collection}", request_id="r", size_bytes=4)
            )

    refused(lambda: stub.UploadVideo(messages(), timeout=60), NOT_FOUND)


def test_a_tenant_uploads_in_as_many_messages_as_it_takes(gateway) -> None:
    stub = VideoIndexServiceStub(with_key(gateway.channel, key(gateway, Scope.WRITE)))

    def messages():
        yield pb.UploadVideoRequest(header=pb.UploadHeader(parent="collections/c", request_id="many", size_bytes=6))
        for part in (b"abc", b"def"):
            yield pb.UploadVideoRequest(chunk=part)

    assert stub.UploadVideo(messages(), timeout=60).size_bytes == 6


def test_every_field_that_the_protos_call_a_name_is_found() -> None:
    """The protos' own words, `Format: collections/...`, against what the guard looks at."""
    named = set()
    for file in PROTOS.glob("vidx/*/v*/*.proto"):
        text = re.sub(r"\n\s*// ", " ", file.read_text().replace("\n  //", "\n  // "))
        for message in re.split(r"\nmessage ", text)[1:]:
            owner = message.split()[0]
            for _, field in re.findall(
                r"// ([^\n]*Format: collections/[^\n]*)\n\s*(?:repeated )?string (\w+) =", message
            ):
                named.add((owner, field))
    reached = {(path[-1].containing_type.name, path[-1].name) for m in METHODS for path in names.paths(m.input_type)}
    inputs = {message.name for m in METHODS for message in _all_messages(m.input_type)}
    inputs -= {"ApiKey"}  # of methods that reach all collections anyway
    assert {(owner, field) for owner, field in named if owner in inputs} - reached == set()
    assert ("AskRequest", "videos") in reached
    assert ("UploadHeader", "parent") in reached


def _all_messages(message, seen=None):
    seen = seen if seen is not None else []
    if message not in seen:
        seen.append(message)
        for field in message.fields:
            if field.message_type is not None:
                _all_messages(field.message_type, seen)
    return seen


def test_keys_are_made_listed_rotated_and_revoked_at_once(gateway) -> None:
    admin = AccessServiceStub(with_key(gateway.channel, key(gateway, collections=None)))
    wanted = access_pb.ApiKey(title="a  tool", scope="READ", collections=["collections/c"])
    made = admin.CreateKey(access_pb.CreateKeyRequest(key=wanted), timeout=60)
    assert made.secret.startswith(f"vidx_{made.key.name.split('/')[1]}_")
    assert (made.key.title, list(made.key.collections), made.key.all_collections) == (
        "a tool",
        ["collections/c"],
        False,
    )

    def works(secret: str) -> bool:
        asked = pb.ListVideosRequest(parent="collections/c")
        return answer(gateway, method_of("ListVideos"), asked, secret)[0] != UNAUTHENTICATED

    assert works(made.secret)
    listed, token = [], ""
    while not listed or token:
        page = admin.ListKeys(access_pb.ListKeysRequest(page_size=20, page_token=token), timeout=60)
        listed, token = [*listed, *page.keys], page.next_page_token
    assert listed[-1].name == made.key.name
    assert listed[-1].HasField("last_use_time")
    assert len({k.name for k in listed}) == len(listed)
    assert made.secret not in str(listed)
    request = access_pb.RotateKeyRequest(name=made.key.name)
    request.keep.FromSeconds(3600)
    second = admin.RotateKey(request, timeout=60)
    assert (works(made.secret), works(second.secret)) == (True, True)
    third = admin.RotateKey(access_pb.RotateKeyRequest(name=second.key.name), timeout=60)
    assert [works(k.secret) for k in (made, second, third)] == [True, False, True]
    admin.RevokeKey(access_pb.RevokeKeyRequest(name=third.key.name), timeout=60)
    admin.RevokeKey(access_pb.RevokeKeyRequest(name=made.key.name), timeout=60)
    assert [works(k.secret) for k in (made, second, third)] == [False] * 3
    refused(
        lambda: admin.RotateKey(access_pb.RotateKeyRequest(name=third.key.name), timeout=60),
        grpc.StatusCode.FAILED_PRECONDITION,
    )


def test_what_a_key_has_opened_ends_when_it_is_revoked(gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "AGAIN_S", 0.0)
    row, secret = gateway.keys.create(Wanted("streams", Scope.WRITE, ["c"]))
    stub = VideoIndexServiceStub(with_key(gateway.channel, secret))
    revoked = threading.Event()

    def messages():
        yield pb.UploadVideoRequest(header=pb.UploadHeader(parent="collections/c", request_id="long", size_bytes=6))
        yield pb.UploadVideoRequest(chunk=b"abc")
        revoked.wait(60)
        yield pb.UploadVideoRequest(chunk=b"def")

    upload = stub.UploadVideo.future(messages(), timeout=120)
    watched = stub.WatchVideo(pb.WatchVideoRequest(name="collections/c/videos/v"), timeout=120)
    assert next(watched).name == "collections/c/videos/v"
    gateway.keys.revoke(row.id)
    revoked.set()
    with gateway.house.database.write() as session:
        session.execute(sa.update(Video).where(Video.id == "v").values(title="secret", updated=Video.updated + 1))
    with pytest.raises(grpc.RpcError) as caught:
        upload.result(60)
    assert caught.value.code() == UNAUTHENTICATED
    with pytest.raises(grpc.RpcError) as caught:
        list(watched)
    assert (caught.value.code(), "was revoked" in caught.value.details()) == (UNAUTHENTICATED, True)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scope": "READ", "all_collections": True}, "title"),
        ({"title": "t", "all_collections": True}, "key.scope"),
        ({"title": "t", "scope": "READ"}, "key.collections"),
        ({"title": "t", "scope": "READ", "collections": ["collections/c"], "all_collections": True}, "key.collections"),
        ({"title": "t", "scope": "READ", "collections": ["c"]}, "key.collections"),
        ({"title": "t", "scope": "READ", "all_collections": True, "expire_time": {"seconds": 5}}, "expire_time"),
        ({"title": "t", "scope": "READ", "all_collections": True, "expire_time": {"seconds": 1 << 62}}, "expire_time"),
    ],
)
def test_keys_that_cannot_be_made_are_told_why(gateway, fields, field: str) -> None:
    admin = AccessServiceStub(with_key(gateway.channel, key(gateway, collections=None)))
    asked = access_pb.CreateKeyRequest(key=access_pb.ApiKey(**fields))
    assert field in refused(lambda: admin.CreateKey(asked, timeout=60), grpc.StatusCode.INVALID_ARGUMENT)[1]
