"""Tokens of an OIDC issuer that answers over HTTP and changes its keys."""

import base64
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.catalog.keys import Keys
from services.core.access import Caller, Scope
from services.core.errors import Denied, Unavailable
from services.gateway.access import jwks, tokens
from services.gateway.access.jwks import Jwks
from services.gateway.access.settings import AccessSettings
from services.gateway.access.tokens import Tokens
from services.runtime.grpc_client import with_key
from tests.fakes.house import House
from tests.fakes.public_api import refused, serving
from tests.servers import issuer as issuers
from tests.servers.issuer import Issuer


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer():
    with issuers.serving() as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


def settings(issuer: Issuer, **changes) -> AccessSettings:
    return AccessSettings(**{"jwt_issuer": issuer.url, "jwt_audience": "vidx", **changes})


@pytest.fixture
def known(issuer: Issuer, clock: Clock) -> Tokens:
    return Tokens(settings(issuer), Jwks(issuer.url, "", 300, clock))


def test_a_token_stands_for_its_subject_with_the_scope_and_collections_of_its_claims(issuer, known) -> None:
    assert known.caller(issuer.token()) == Caller("users/ann", Scope.READ, frozenset("c"))
    wide = issuer.token(sub="b\nb", scope=["vidx:admin", "vidx:read"], vidx_collections="*", aud=["x", "vidx"])
    assert known.caller(wide) == Caller("users/b?b", Scope.ADMIN, None)
    assert known.caller(issuer.token(vidx_collections=None)) == Caller("users/ann", Scope.READ, frozenset())
    assert known.caller(issuer.token(vidx_collections="a b")) == Caller("users/ann", Scope.READ, frozenset("ab"))
    assert known.caller(issuer.token(exp=int(time.time()) - 10)) is not None  # within the leeway
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_claims_may_lie_within_others_and_be_called_otherwise(issuer, clock) -> None:
    known = Tokens(
        settings(
            issuer, jwt_scope_claim="realm.roles", jwt_scope_prefix="video-", jwt_collections_claim="https://x.y/c"
        ),
        Jwks(issuer.url, f"{issuer.url}/keys", 300, clock),
    )
    token = issuer.token(scope=None, realm={"roles": ["video-write"]}, **{"https://x.y/c": ["c"]})
    assert known.caller(token) == Caller("users/ann", Scope.WRITE, frozenset("c"))
    assert issuer.asked == ["/keys"]


def test_a_token_without_a_scope_is_told_what_it_lacks(issuer, known) -> None:
    for scope in (None, "", "openid", "vidx:all", {"vidx:read": 1}, 5):
        with pytest.raises(Denied, match="vidx:read, vidx:write or vidx:admin"):
            known.caller(issuer.token(scope=scope))


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unsigned(issuer: Issuer) -> str:
    return f"{text(json.dumps({'alg': 'none', 'kid': 'first'}).encode())}.{issuer.token().split('.')[1]}."


def signed_with_what_everybody_knows(issuer: Issuer) -> str:
    """By HS256, with the public key as the secret."""
    key = next(iter(issuer.keys.values())).public_key()
    known = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = f"{text(json.dumps({'alg': 'HS256', 'kid': 'first'}).encode())}.{issuer.token().split('.')[1]}"
    return f"{head}.{text(hmac.digest(known, head.encode(), 'sha256'))}"


@pytest.mark.parametrize(
    "forged",
    [
        lambda i: i.token(iss="https://elsewhere.example"),
        lambda i: i.token(aud="other"),
        lambda i: i.token(aud=None),
        lambda i: i.token(sub=None),
        lambda i: i.token(exp=None),
        lambda i: i.token(exp=int(time.time()) - 60),
        lambda i: i.token(nbf=int(time.time()) + 60),
        lambda i: i.token(kid="unknown"),
        lambda i: i.token(kid="odd"),
        lambda i: i.token(key=ec.generate_private_key(ec.SECP256R1())),
        signed_with_what_everybody_knows,
        unsigned,
        lambda i: i.token()[:-4] + "AAAA",
        lambda i: i.token().rsplit(".", 1)[0],
        lambda i: "a.b.c",
        lambda i: "",
    ],
)
def test_what_the_issuer_has_not_signed_for_this_platform_is_worth_nothing(issuer, known, forged) -> None:
    assert known.caller(forged(issuer)) is None


def test_keys_that_change_are_fetched_again_and_made_up_ones_do_not_reach_the_issuer(issuer, known, clock) -> None:
    old = issuer.token()
    assert known.caller(old) is not None
    issuer.rotate("second", keep=True)
    assert known.caller(issuer.token()) is None  # fetched a moment ago: the issuer is not asked again yet
    clock.now += jwks.AGAIN_S
    assert (known.caller(issuer.token()), known.caller(old)) != (None, None)
    asked = len(issuer.asked)
    for n in range(20):
        assert known.caller(issuer.token(kid=f"made up {n}")) is None
    assert len(issuer.asked) == asked
    issuer.rotate("third")
    clock.now += 301
    assert known.caller(issuer.token()) is not None
    assert known.caller(old) is None


def test_an_issuer_that_is_away_does_not_lock_out_whom_its_keys_are_known_for(issuer, known, clock) -> None:
    token = issuer.token()
    assert known.caller(token) is not None
    issuer.down = True
    clock.now += 3600
    assert known.caller(token) is not None
    clock.now += jwks.LONGEST_S
    with pytest.raises(Unavailable):
        known.caller(token)
    issuer.down = False
    clock.now += jwks.AGAIN_S
    assert known.caller(token) is not None


def test_an_issuer_that_never_answered_is_unavailable_and_not_asked_at_every_call(issuer, known) -> None:
    issuer.down = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            known.caller(issuer.token())
    assert len(issuer.asked) == 1


def test_an_issuer_that_is_slow_holds_up_nobody_whose_key_is_known(issuer, known, clock) -> None:
    token = issuer.token()
    assert known.caller(token) is not None
    clock.now += jwks.AGAIN_S
    issuer.answers.clear()
    asked = len(issuer.asked)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(known.caller, issuer.token(kid="made up"))
        deadline = time.monotonic() + 60
        while len(issuer.asked) == asked:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        clock.now += 301
        assert known.caller(token) is not None
        issuer.answers.set()
        assert waiting.result(60) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"jwt_issuer": "https://i.example"},
        {"jwt_issuer": "http://i.example", "jwt_audience": "vidx"},
        {"jwt_issuer": "https://i.example", "jwt_audience": "vidx", "jwt_jwks_url": "http://i.example/keys"},
        {"jwt_algorithms": ["HS256"]},
        {"jwt_algorithms": ["none"]},
        {"jwt_algorithms": []},
    ],
)
def test_settings_that_would_let_others_make_tokens_stop_the_start(wrong) -> None:
    with pytest.raises(ValidationError):
        AccessSettings(**wrong)


def test_the_gateway_takes_keys_and_tokens_alike(house: House, tmp_path: Path, issuer: Issuer) -> None:
    known = tokens.credentials(settings(issuer), Keys(house.database))
    with serving(house, tmp_path, known) as gateway:

        def stub(credential: str) -> VideoIndexServiceStub:
            return VideoIndexServiceStub(with_key(gateway.channel, credential))

        asked = pb.GetCollectionRequest(name="collections/c")
        assert stub(issuer.token()).GetCollection(asked, timeout=60).name == "collections/c"
        made = pb.CreateCollectionRequest(collection_id="mine")
        refused(lambda: stub(issuer.token()).CreateCollection(made, timeout=60), grpc.StatusCode.PERMISSION_DENIED)
        refused(lambda: stub(issuer.token(aud="x")).GetCollection(asked, timeout=60), grpc.StatusCode.UNAUTHENTICATED)
        refused(lambda: stub("vidx_a_b").GetCollection(asked, timeout=60), grpc.StatusCode.UNAUTHENTICATED)
        other = issuer.token(vidx_collections=["other"])
        refused(lambda: stub(other).GetCollection(asked, timeout=60), grpc.StatusCode.NOT_FOUND)
