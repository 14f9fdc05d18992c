"""Who may call which method, as the rules beside the methods say (`vidx.access.v1.rule`); without a rule, nobody."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, cast

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_reflection.v1alpha import reflection
from vidx.access.v1 import rule_pb2

from services.core.errors import Denied, InvalidInput
from services.runtime.settings import ServerSettings

Look = Callable[[Message | None], None]
_NAMES = ("peer_spiffe_id", "peer_dns")
"""Of gRPC's facts of a connection, those that the certificate's alternative names give."""
REFLECTION = f"/{reflection.SERVICE_NAME}/ServerReflectionInfo"


class Guard(Protocol):
    """Stands at a server's door."""

    def enter(
        self, method: str, context: grpc.ServicerContext, request: Message | None
    ) -> AbstractContextManager[Look]:
        """Let a call of /package.Service/Method in, before anything is done for it, until it has been answered.

        What it gives is called with each message of the request, and with None before each of an answer that is a
        stream. Both raise Unauthenticated, Denied and the like.
        `request` is what is asked where that is one message that could be read, so that a refusal can say of what.
        """


def rules(services: Sequence[ServiceDescriptor]) -> dict[str, tuple[MethodDescriptor, rule_pb2.Rule]]:
    """The methods that have a rule, by /package.Service/Method."""
    return {
        f"/{service.full_name}/{method.name}": (method, method.GetOptions().Extensions[rule_pb2.rule])
        for service in services
        for method in service.methods
        if method.GetOptions().HasExtension(rule_pb2.rule)
    }


class Peers:
    """Inside the platform: with mutual TLS, callers are known by the name in their certificate, never by address.

    Without, whoever reaches the server may call it: raises InvalidInput on an address that other machines can reach,
    unless the settings say that this is wanted.
    """

    def __init__(self, settings: ServerSettings, services: Sequence[ServiceDescriptor]) -> None:
        self._identity = settings.tls_identity
        self._also = frozenset(settings.tls_also)
        self._checked = bool(settings.tls_client_ca)
        if not (self._checked or settings.loopback or settings.insecure):
            raise InvalidInput(
                f"{settings.address} can be reached by other machines, and whoever does could call every method: set"
                " VIDX_SERVER_TLS_CLIENT_CA, so that services know each other by their certificates, or"
                " VIDX_SERVER_INSECURE=true if something else keeps others away"
            )
        self._callers = {
            method: frozenset(self._identity.format(service=caller) for caller in rule.callers) | self._also
            for method, (_, rule) in rules(services).items()
        }
        everyone = frozenset[str]().union(*self._callers.values())
        self._callers[REFLECTION] = everyone

    @contextmanager
    def enter(self, method: str, context: grpc.ServicerContext, request: Message | None) -> Iterator[Look]:
        callers = self._callers.get(method)
        if callers is None:
            raise Denied(f"{method} has no rule that says who may call it")
        if self._checked and not callers & names(context):
            raise Denied(f"the caller's certificate names no service that may call {method}")
        yield _nothing


def names(context: grpc.ServicerContext) -> frozenset[str]:
    """The SPIFFE and DNS names in a caller's certificate, which its CA has vouched for."""
    facts = cast("Mapping[str, Iterable[bytes]]", context.auth_context())
    return frozenset(name.decode("utf-8", "replace") for kind in _NAMES for name in facts.get(kind, ()))


def _nothing(message: Message | None) -> None:
    """A service's rule looks at who calls, not at what is asked."""
