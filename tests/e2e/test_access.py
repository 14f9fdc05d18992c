"""A whole platform that asks who calls: TLS in front, mutual TLS within, keys, tokens, two tenants who see nothing of
each other, webhooks, the audit log, and no secret in anything that it writes.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from standardwebhooks.webhooks import Webhook
from vidx.search.v1 import search_service_pb2 as search_pb
from vidx.search.v1.search_service_pb2_grpc import SearchServiceStub

from services.cli.machine.programs import Options
from services.runtime.grpc_client import channel
from services.runtime.settings import ClientSettings
from tests.media.films import two_scenes
from tests.servers import cluster as clusters
from tests.servers import issuer as issuers
from tests.servers.certificates import Authority
from tests.servers.cluster import HOSTS, SERVICES, Cluster
from tests.servers.hooks import Receiver
from tests.servers.issuer import Issuer
from tests.servers.triton import built_pack

WITHIN_S = 300.0
TENANTS = ("red", "blue")
SUBTITLES = {
    "red": "WEBVTT\n\n00:00.200 --> 00:01.500\nThe lighthouse keeper waits for the evening boat.\n",
    "blue": "WEBVTT\n\n00:00.200 --> 00:01.500\nA submarine comes up beside the pier.\n",
}
TAIL = 20
QUESTION = {"red": "who waits for the boat?", "blue": "what comes up beside the pier?"}


@dataclass
class Secure:
    """The platform. `keys` are by tenant and scope, `shown` is whatever was ever let in as a credential or secret."""

    cluster: Cluster
    authority: Authority
    issuer: Issuer
    receiver: Receiver
    folder: Path
    keys: dict[str, str] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """What the command line has printed."""

    def vidx(self, credential: str, *arguments: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line with a key or token, in a file as a person keeps it."""
        self.shown.append(credential)
        file = self.folder / f"key-{secrets.token_hex(8)}"
        file.write_text(credential)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VIDX_")}
        env = {
            **kept,
            "VIDX_HOME": str(self.folder / "person"),
            "VIDX_ADDRESS": self.cluster.address("gateway"),
            "VIDX_CLIENT_TLS_CA": self.authority.ca,
            "VIDX_API_KEY_FILE": str(file),
            "no_proxy": self.cluster.settings["no_proxy"],
            **changes,
        }
        command = [sys.executable, "-m", "services.cli", *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=WITHIN_S)
        if arguments[0] not in ("keys", "webhooks"):
            self.said.append(done.stdout)
        self.said.append(done.stderr)
        return done

    def run(self, credential: str, *arguments: str) -> str:
        done = self.vidx(credential, *arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def messages(self, credential: str, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(credential, *arguments, "--json").splitlines()]

    def secret(self, credential: str, *arguments: str) -> str:
        """What a command prints once and for all."""
        found = self.run(credential, *arguments).strip()
        self.shown.append(found)
        return found


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("secure")
    pack = built_pack(tmp_path_factory.mktemp("models"))
    authority, receiver = Authority(folder / "ca"), Receiver()
    with issuers.serving() as issuer:
        own = {name: _identity(authority, name) for name in SERVICES}
        door = own["gateway"]
        del door["VIDX_SERVER_TLS_CLIENT_CA"]
        door |= {
            "VIDX_ACCESS_AUTHENTICATION": "on",
            "VIDX_ACCESS_JWT_ISSUER": issuer.url,
            "VIDX_ACCESS_JWT_AUDIENCE": "vidx",
        }
        hooks = {"VIDX_WEBHOOK_HTTP": "true", "VIDX_WEBHOOK_NETWORKS": '["127.0.0.0/8"]'}
        probe = authority.issue("spiffe://vidx/probe")
        caller = ClientSettings(tls_ca=authority.ca, tls_cert=probe.cert, tls_key=probe.key)
        with clusters.running(Cluster(folder, pack, Options(), hooks, own, caller)) as cluster:
            found = Secure(cluster, authority, issuer, receiver, folder)
            _enter(found)
            yield found
    receiver.stop()


def _identity(authority: Authority, name: str) -> dict[str, str]:
    """A service's certificate, which it shows callers and those whom it calls."""
    files = authority.issue(f"spiffe://vidx/{name}", HOSTS[name])
    return {
        "VIDX_SERVER_TLS_CERT": files.cert,
        "VIDX_SERVER_TLS_KEY": files.key,
        "VIDX_SERVER_TLS_CLIENT_CA": authority.ca,
        "VIDX_CLIENT_TLS_CERT": files.cert,
        "VIDX_CLIENT_TLS_KEY": files.key,
        "VIDX_CLIENT_TLS_CA": authority.ca,
    }


def _enter(found: Secure) -> None:
    """The first key, and with it those of the tenants."""
    settings = {"VIDX_CATALOG_URL": found.cluster.settings["VIDX_CATALOG_URL"]}
    made = subprocess.run(
        [sys.executable, "-m", "services.catalog", "key", "operations"],
        env={**os.environ, **settings}, capture_output=True, text=True, timeout=WITHIN_S, check=True,
    )  # fmt: skip
    admin = found.keys["admin"] = made.stdout.strip()
    found.shown.append(admin)
    for tenant in TENANTS:
        found.run(admin, "collections", "create", tenant)
        for scope in ("read", "write", "admin"):
            command = ("keys", "create", f"{tenant} {scope}", "--scope", scope, "-c", tenant)
            found.keys[f"{tenant} {scope}"] = found.secret(admin, *command)


@pytest.fixture(scope="module")
def videos(secure: Secure) -> dict[str, str]:
    """A video of each tenant, by name: the same film, with other words. Each has a webhook first."""
    film = two_scenes(secure.folder / "film.mp4")
    names = {}
    for tenant in TENANTS:
        words = secure.folder / f"{tenant}.vtt"
        words.write_text(SUBTITLES[tenant])
        hook = ("webhooks", "create", f"{secure.receiver.url}/{tenant}", "-c", tenant)
        secure.keys[f"{tenant} hook"] = secure.secret(secure.keys[f"{tenant} admin"], *hook)
        command = ("index", str(film), "--subtitles", str(words), "--collection", tenant, "--wait")
        names[tenant] = secure.messages(secure.keys[f"{tenant} write"], *command)[-1]["name"]
    return names


def _other(tenant: str) -> str:
    return TENANTS[1 - TENANTS.index(tenant)]


@pytest.mark.parametrize("tenant", TENANTS)
def test_a_tenant_searches_and_asks_its_own_videos_and_finds_no_others(secure, videos, tenant: str) -> None:
    token = secure.issuer.token(scope="openid vidx:read", vidx_collections=[tenant])
    for credential in (secure.keys[f"{tenant} read"], token):
        for words in (QUESTION[tenant], QUESTION[_other(tenant)]):
            (found,) = secure.messages(credential, "search", words, "--collection", tenant)
            assert {moment["video"] for moment in found["moments"]} == {videos[tenant]}
        (answer,) = secure.messages(credential, "ask", QUESTION[tenant], "--collection", tenant)
        cited = {place["video"] for sentence in answer["sentences"] for place in sentence["citations"]}
        assert cited == {videos[tenant]}
        listed = secure.messages(credential, "collections", "list")
        assert [one["name"] for one in listed] == [f"collections/{tenant}"]


def test_who_shows_nothing_or_what_is_worth_nothing_is_let_into_nothing(secure, videos) -> None:
    red = secure.keys["red read"]
    old = secure.issuer.token(exp=int(time.time()) - 600, vidx_collections=["red"])
    wrong = [
        "",
        red[:-1],
        "vidx_a_b",
        old,
        secure.issuer.token(aud="elsewhere"),
        secure.issuer.token(iss="https://x.example"),
    ]
    for credential in wrong:
        done = secure.vidx(credential, "search", "boat", "--collection", "red")
        assert (done.returncode, done.stdout) == (1, "")
        assert "key or a token" in done.stderr or "not known, is not for this platform" in done.stderr
    plain = secure.vidx("", "list", "--collection", "red", VIDX_CLIENT_TLS_CA="")
    stranger = Authority(secure.folder / f"stranger-{secrets.token_hex(4)}")
    mistaken = secure.vidx(red, "list", "--collection", "red", VIDX_CLIENT_TLS_CA=stranger.ca)
    assert (plain.returncode, mistaken.returncode) == (1, 1)
    assert "no answer from the gateway" in plain.stderr
    assert "no answer from the gateway" in mistaken.stderr


@pytest.mark.parametrize("what", ["get", "search", "ask", "delete", "index", "nowhere"])
def test_another_tenants_videos_are_not_there(secure, videos, what: str) -> None:
    video, film = videos["blue"], str(secure.folder / "film.mp4")
    command = {
        "get": ("get", video),
        "search": ("search", "submarine", "--collection", "blue"),
        "ask": ("ask", QUESTION["blue"], "--collection", "blue"),
        "delete": ("delete", video),
        "index": ("index", film, "--collection", "blue"),
        "nowhere": ("get", "collections/nowhere/videos/none"),
    }[what]
    token = secure.issuer.token(scope="vidx:admin", vidx_collections=["red"])
    answers = [secure.vidx(credential, *command) for credential in (secure.keys["red admin"], token)]
    assert [(done.returncode, done.stdout) for done in answers] == [(1, "")] * 2
    for done in answers:
        assert "submarine" not in done.stderr
        assert "no video" in done.stderr or "no collections/" in done.stderr or "does not hold" in done.stderr
    assert secure.messages(secure.keys["blue read"], "get", video)[0]["state"] == "READY"


def test_too_small_a_scope_changes_nothing(secure, videos) -> None:
    reading = secure.keys["red read"], secure.issuer.token(scope="vidx:read", vidx_collections=["red"])
    for credential in reading:
        for command in (("delete", videos["red"]), ("cancel", videos["red"])):
            assert "needs the scope 'write'" in secure.vidx(credential, *command).stderr
    assert "for who holds all collections" in secure.vidx(secure.keys["red admin"], "keys", "list").stderr
    assert "needs the scope 'admin'" in secure.vidx(secure.keys["red write"], "webhooks", "list", "-c", "red").stderr


def test_a_service_is_opened_by_no_key_and_by_no_other_services_certificate(secure, videos) -> None:
    def code(settings: ClientSettings) -> grpc.StatusCode:
        with channel(secure.cluster.address("search"), settings, retries=False) as connection:
            try:
                asked = search_pb.SearchRequest(parent="collections/blue", query="submarine")
                SearchServiceStub(connection).Search(asked, timeout=60, metadata=[("authorization", f"Bearer {admin}")])
            except grpc.RpcError as error:
                return error.code()
        return grpc.StatusCode.OK

    admin, ca = secure.keys["admin"], secure.authority.ca
    other = secure.authority.issue("spiffe://vidx/decoding", file="as-decoding")
    assert code(ClientSettings()) == grpc.StatusCode.UNAVAILABLE
    assert code(ClientSettings(tls_ca=ca)) == grpc.StatusCode.UNAVAILABLE
    with_other = ClientSettings(tls_ca=ca, tls_cert=other.cert, tls_key=other.key)
    assert code(with_other) == grpc.StatusCode.PERMISSION_DENIED


def test_a_key_that_is_revoked_opens_nothing_from_the_next_call_on(secure) -> None:
    admin = secure.keys["admin"]
    key = secure.secret(admin, "keys", "create", "for a while", "--scope", "read", "-c", "red")
    assert secure.messages(key, "collections", "list")
    secure.run(admin, "keys", "revoke", key.split("_")[1])
    assert "has ended" in secure.vidx(key, "collections", "list").stderr


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_each_deletes_its_own_and_all_of_it_is_told_and_kept(secure, videos) -> None:
    writer = secure.issuer.token(sub="bob", scope="vidx:write", vidx_collections=["blue"])
    secure.run(secure.keys["red write"], "delete", videos["red"])
    secure.run(writer, "delete", videos["blue"])
    got = secure.receiver.got
    # One may come twice, when its first answer was late.
    _until(lambda: len({headers["webhook-id"] for _, headers, _ in list(got)}) >= 4, "webhooks are not told")
    told = set()
    for path, headers, body in got:
        tenant = path.removeprefix("/")
        sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        wanted = Webhook(secure.keys[f"{tenant} hook"]).sign(headers["webhook-id"], sent, body.decode())
        assert headers["webhook-signature"] == wanted
        message = json.loads(body)
        told.add((tenant, message["type"], message["data"]["video"]))
    assert told == {(t, event, videos[t]) for t in TENANTS for event in ("video.ready", "video.deleted")}
    admin = secure.keys["admin"]
    ids = {who: f"keys/{secure.keys[who].split('_')[1]}" for who in ("admin", "red write", "blue write", "red read")}
    events = secure.messages(admin, "audit", "--limit", "1000")
    kept = {(e["actor"], e["method"].rsplit("/", 1)[-1], e["outcome"], *e.get("resources", ())) for e in events}
    assert (ids["red write"], "DeleteVideo", "OK", videos["red"]) in kept
    assert ("users/bob", "DeleteVideo", "OK", videos["blue"]) in kept
    assert (ids["red read"], "DeleteVideo", "DENIED", videos["red"]) in kept
    assert any(k[:3] == (ids["blue write"], "UploadVideo", "OK") and videos["blue"] in k for k in kept)
    # What one tenant tried at the other's stands in the log of the other's collection.
    of_blue = secure.messages(secure.keys["blue admin"], "audit", "-c", "blue")
    assert all("collections/red" not in json.dumps(event) for event in of_blue)


def test_no_credential_and_no_secret_is_in_anything_that_was_written(secure, videos) -> None:
    said = {name: secure.cluster.log(name) for name in (*SERVICES, "redis", "milvus", "triton")}
    assert "serving" in said["gateway"]
    said["command line"] = "".join(secure.said)
    said["audit"] = secure.run(secure.keys["admin"], "audit", "--limit", "1000", "--json")
    said["status"] = secure.run(secure.keys["admin"], "status", "--json")
    # At any place but its end, a key, a token or a secret may hold a word that is no secret.
    tails = {shown[-TAIL:] for shown in secure.shown if len(shown) > 2 * TAIL}
    assert len(tails) > 10
    assert [(name, tail) for name, text in said.items() for tail in sorted(tails) if tail in text] == []
