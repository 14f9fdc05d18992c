"""TLS and mutual TLS between the platform's processes: who is let in, and certificates that change under a server."""

from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from pydantic import ValidationError
from vidx.search.v1 import search_service_pb2 as pb
from vidx.search.v1.search_service_pb2_grpc import (
    SearchServiceServicer,
    SearchServiceStub,
    add_SearchServiceServicer_to_server,
)

from services.core.errors import InvalidInput
from services.runtime.grpc_client import channel
from services.runtime.grpc_server import Server, create_server
from services.runtime.settings import ClientSettings, ServerSettings, read
from tests.servers.certificates import Authority, Files

SERVICE = pb.DESCRIPTOR.services_by_name["SearchService"]


class Service(SearchServiceServicer):
    def Search(self, request, context):  # noqa: N802
        return pb.SearchResponse()

    def DeleteVideo(self, request, context):  # noqa: N802
        return pb.DeleteVideoResponse()

    def Stats(self, request, context):  # noqa: N802
        return pb.StatsResponse()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def serve(authority: Authority, **changes) -> Server:
    files = authority.issue("127.0.0.1", file="server")
    fields = {"tls_cert": files.cert, "tls_key": files.key, "tls_client_ca": authority.ca, "drain_s": 0, **changes}
    return create_server(
        ServerSettings(**fields), [(SERVICE, lambda s: add_SearchServiceServicer_to_server(Service(), s))]
    )


def client(authority: Authority, files: Files | None) -> ClientSettings:
    own = {"tls_cert": files.cert, "tls_key": files.key} if files else {}
    return ClientSettings(tls_ca=authority.ca, **own)


def code(port: int, settings: ClientSettings, call) -> grpc.StatusCode:
    with channel(f"127.0.0.1:{port}", settings, retries=False) as connection:
        try:
            call(connection)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK


def search(connection: grpc.Channel) -> None:
    SearchServiceStub(connection).Search(pb.SearchRequest(), timeout=60)


def stats(connection: grpc.Channel) -> None:
    SearchServiceStub(connection).Stats(pb.StatsRequest(), timeout=60)


def health(connection: grpc.Channel) -> None:
    health_pb2_grpc.HealthStub(connection).Check(health_pb2.HealthCheckRequest(), timeout=60)


def reflect(connection: grpc.Channel) -> None:
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    list(reflection_pb2_grpc.ServerReflectionStub(connection).ServerReflectionInfo(asked, timeout=60))


def test_a_service_is_called_by_those_that_the_methods_rule_names_and_nobody_else(authority: Authority) -> None:
    server = serve(authority)
    gateway = client(authority, authority.issue("spiffe://vidx/gateway"))
    pipeline = client(authority, authority.issue("spiffe://vidx/pipeline"))
    decoding = client(authority, authority.issue("spiffe://vidx/decoding"))
    elsewhere = client(authority, authority.issue("spiffe://other/gateway", file="other"))
    asked = [(gateway, search), (gateway, stats), (pipeline, search), (decoding, search), (elsewhere, search)]
    denied = grpc.StatusCode.PERMISSION_DENIED
    try:
        assert [code(server.port, *one) for one in asked] == [grpc.StatusCode.OK, *[denied] * 4]
        assert [code(server.port, who, health) for who in (gateway, decoding)] == [grpc.StatusCode.OK] * 2
        assert [code(server.port, who, reflect) for who in (gateway, decoding)] == [grpc.StatusCode.OK, denied]
    finally:
        server.stop()


def test_dns_names_and_names_of_own_pipelines_can_be_set(authority: Authority) -> None:
    server = serve(authority, tls_identity="{service}.vidx.internal", tls_also=("batch.example",))
    gateway = client(authority, authority.issue("gateway.vidx.internal"))
    batch = client(authority, authority.issue("batch.example"))
    spiffe = client(authority, authority.issue("spiffe://vidx/gateway"))
    denied = grpc.StatusCode.PERMISSION_DENIED
    try:
        assert [code(server.port, who, search) for who in (gateway, batch, spiffe)] == [
            *[grpc.StatusCode.OK] * 2,
            denied,
        ]
        assert [code(server.port, who, stats) for who in (gateway, batch)] == [denied, grpc.StatusCode.OK]
    finally:
        server.stop()


def test_plain_text_no_certificate_and_one_of_another_authority_do_not_get_through(
    authority: Authority, tmp_path: Path
) -> None:
    server = serve(authority)
    stranger = Authority(tmp_path / "stranger")
    forged = stranger.issue("spiffe://vidx/gateway")
    asked = [
        ClientSettings(),
        client(authority, None),
        client(authority, forged),
        client(stranger, authority.issue("spiffe://vidx/gateway")),
    ]
    try:
        assert [code(server.port, settings, search) for settings in asked] == [grpc.StatusCode.UNAVAILABLE] * 4
    finally:
        server.stop()


def test_a_certificate_that_changes_is_shown_from_the_next_connection_on(authority: Authority, tmp_path: Path) -> None:
    server = serve(authority, tls_client_ca="")
    later = Authority(tmp_path / "later")
    old, new = client(authority, None), client(later, None)
    try:
        assert [code(server.port, who, health) for who in (old, new)] == [
            grpc.StatusCode.OK,
            grpc.StatusCode.UNAVAILABLE,
        ]
        issued = later.issue("127.0.0.1", file="server")
        (tmp_path / "ca/server.key").write_bytes(Path(issued.key).read_bytes())
        # Half of it is there: the server goes on with what it had.
        assert code(server.port, old, health) == grpc.StatusCode.OK
        (tmp_path / "ca/server.crt").write_bytes(Path(issued.cert).read_bytes())
        assert [code(server.port, who, health) for who in (old, new)] == [
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.OK,
        ]
    finally:
        server.stop()


def test_a_clients_certificate_that_changes_is_shown_from_the_next_call_on(authority: Authority) -> None:
    server = serve(authority)
    files = authority.issue("spiffe://vidx/decoding", file="client")
    with channel(f"127.0.0.1:{server.port}", client(authority, files), retries=False) as connection:
        stub = SearchServiceStub(connection)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Search(pb.SearchRequest(), timeout=60)
        assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
        renewed = authority.issue("spiffe://vidx/gateway", file="renewed")
        Path(files.key).write_bytes(Path(renewed.key).read_bytes())
        # Half of it is there: the client goes on with what it had.
        with pytest.raises(grpc.RpcError) as caught:
            stub.Search(pb.SearchRequest(), timeout=60)
        assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
        Path(files.cert).write_bytes(Path(renewed.cert).read_bytes())
        stub.Search(pb.SearchRequest(), timeout=60)
        assert stub.Search.future(pb.SearchRequest(), timeout=60).result() == pb.SearchResponse()
    server.stop()


def test_a_key_of_another_certificate_stops_the_start(authority: Authority) -> None:
    other = authority.issue("127.0.0.1", file="other")
    with pytest.raises(InvalidInput, match="are not a certificate and its key"):
        serve(authority, tls_key=other.key)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "10.0.0.1:50051", "vidx.example:50051"])
def test_plain_text_on_an_address_that_others_can_reach_stops_the_start(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDX_SERVER_ADDRESS", address)
    with pytest.raises(SystemExit) as stopped:
        read(ServerSettings)
    assert "VIDX_SERVER_TLS_CERT" in str(stopped.value)
    assert "VIDX_SERVER_INSECURE=true" in str(stopped.value)
    monkeypatch.setenv("VIDX_SERVER_INSECURE", "true")
    assert read(ServerSettings).address == address


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.8.8.8:1", "[::1]:0", "localhost:0", "unix:/run/vidx.sock"])
def test_plain_text_on_loopback_needs_no_setting(address: str) -> None:
    assert ServerSettings(address=address).loopback


def test_settings_that_do_not_go_together_are_named(authority: Authority) -> None:
    files = authority.issue("127.0.0.1")
    wrong = [
        ({"tls_cert": files.cert}, "VIDX_SERVER_TLS_KEY"),
        ({"tls_client_ca": authority.ca}, "VIDX_SERVER_TLS_CERT"),
        ({"tls_identity": "gateway"}, "{service}"),
        ({"tls_cert": "/none", "tls_key": "/none"}, "cannot read /none"),
    ]
    for fields, name in wrong:
        with pytest.raises(ValidationError, match=name):
            ServerSettings(**fields)
    for fields, name in [({"tls_cert": files.cert}, "TLS_KEY"), ({"tls_cert": files.cert, "tls_key": files.key}, "CA")]:
        with pytest.raises(ValidationError, match=name):
            ClientSettings(**fields)


def test_a_method_without_a_rule_is_refused(authority: Authority) -> None:
    file = descriptor_pb2.FileDescriptorProto(name="bare.proto", package="bare", syntax="proto3")
    file.dependency.append(pb.DESCRIPTOR.name)
    service = file.service.add(name="Bare")
    service.method.add(
        name="Stats", input_type=".vidx.search.v1.StatsRequest", output_type=".vidx.search.v1.StatsResponse"
    )
    pool = descriptor_pool.Default()
    pool.Add(file)
    handler = grpc.unary_unary_rpc_method_handler(
        Service().Stats, pb.StatsRequest.FromString, pb.StatsResponse.SerializeToString
    )

    def register(server: grpc.Server) -> None:
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bare.Bare", {"Stats": handler}),))

    server = create_server(ServerSettings(drain_s=0), [(pool.FindServiceByName("bare.Bare"), register)])

    def bare(connection: grpc.Channel) -> None:
        connection.unary_unary("/bare.Bare/Stats")(b"", timeout=60)

    try:
        assert code(server.port, ClientSettings(), bare) == grpc.StatusCode.PERMISSION_DENIED
    finally:
        server.stop()


def test_a_service_that_others_can_reach_does_not_start_without_knowing_them(authority: Authority) -> None:
    far = {"address": "0.0.0.0:0", "tls_client_ca": ""}
    with pytest.raises(InvalidInput, match="VIDX_SERVER_TLS_CLIENT_CA"):
        serve(authority, **far)
    serve(authority, **far, insecure=True).stop()
    serve(authority, address="0.0.0.0:0").stop()
