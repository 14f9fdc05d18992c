"""Who may call which method, as the rules beside the methods say (`vidx.access.v1.rule`); without a rule, nobody."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, cast

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from grpc_reflection.v1alpha import reflection
from vidx.access.v1 import rule_pb2

from services.core.errors import Denied
from services.runtime.settings import ServerSettings

Look = Callable[[Message], None]
_NAMES = ("peer_spiffe_id", "peer_dns")
"""Of gRPC's facts of a connection, those that the certificate's alternative names give."""
REFLECTION = f"/{reflection.SERVICE_NAME}/ServerReflectionInfo"


class Guard(Protocol):
    """Stands at a server's door."""

    def enter(self, method: str, context: grpc.ServicerContext) -> AbstractContextManager[Look]:
        """Let a call of /package.Service/Method in, before its request is looked at, until it has been answered.

        What it gives is called with each message of the request. Both raise Unauthenticated, Denied and the like.
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

    Without, whoever reaches the server may call it: the settings keep it on loopback unless told otherwise.
    """

    def __init__(self, settings: ServerSettings, services: Sequence[ServiceDescriptor]) -> None:
        self._identity = settings.tls_identity
        self._also = frozenset(settings.tls_also)
        self._checked = bool(settings.tls_client_ca)
        self._callers = {
            method: frozenset(self._identity.format(service=caller) for caller in rule.callers) | self._also
            for method, (_, rule) in rules(services).items()
        }
        everyone = frozenset[str]().union(*self._callers.values())
        self._callers[REFLECTION] = everyone

    @contextmanager
    def enter(self, method: str, context: grpc.ServicerContext) -> Iterator[Look]:
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


def _nothing(message: Message) -> None:
    """A service's rule looks at who calls, not at what is asked."""
