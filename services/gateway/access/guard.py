"""The guard at the gateway's door: nobody gets in without a rule, a caller, its scope and the named collections."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from vidx.access.v1 import rule_pb2

from services.core.access import LOCAL, Caller, Scope
from services.core.errors import Denied, Unauthenticated
from services.gateway.access import callers, names
from services.runtime.guard import REFLECTION, Look, rules

_BEARER = "bearer "


class Authenticator(Protocol):
    """Knows callers by what they show."""

    def caller(self, credential: str) -> Caller | None:
        """Who shows this key or token; None when it is worth nothing. Raises Unavailable when that cannot be told."""


class CallBounds(Protocol):
    """How much may be asked about a collection. Both raise QuotaExceeded."""

    def request(self, collection: str) -> None:
        """One more call."""

    def intake(self, collection: str) -> AbstractContextManager[None]:
        """One more upload, while it is under way."""


class Access:
    """Implements `runtime.guard.Guard` for the public services. Without an authenticator, whoever calls may do all."""

    def __init__(
        self, services: Sequence[ServiceDescriptor], authenticator: Authenticator | None, bounds: CallBounds
    ) -> None:
        self._authenticator = authenticator
        self._bounds = bounds
        self._rules = {method: rule for method, (_, rule) in rules(services).items()}
        self._rules[REFLECTION] = rule_pb2.Rule(scope=rule_pb2.READ, reach=rule_pb2.LISTED)

    @contextmanager
    def enter(self, method: str, context: grpc.ServicerContext) -> Iterator[Look]:
        rule = self._rules.get(method)
        if rule is None or rule.scope == rule_pb2.SCOPE_UNSPECIFIED:
            raise Denied(f"{method} has no rule that says who may call it")
        caller = self._caller(context)
        _check(caller, method, rule)
        callers.remember(context, caller)

        with ExitStack() as places:
            counted = False

            def look(message: Message) -> None:
                nonlocal counted
                if rule.reach != rule_pb2.REACH_UNSPECIFIED:
                    return
                if caller.collections is not None:
                    _check_names(caller, method, message)
                if not counted:
                    counted = True
                    self._count(rule, message, places)

            yield look

    def _count(self, rule: rule_pb2.Rule, message: Message, places: ExitStack) -> None:
        """Count a call for the collections that it names, until `places` are left."""
        for collection in sorted(names.collections(message)):
            self._bounds.request(collection)
            if rule.intake:
                places.enter_context(self._bounds.intake(collection))

    def _caller(self, context: grpc.ServicerContext) -> Caller:
        if self._authenticator is None:
            return LOCAL
        shown = [value for key, value in context.invocation_metadata() if key == "authorization"]
        if len(shown) != 1 or not isinstance(shown[0], str) or not shown[0].lower().startswith(_BEARER):
            raise Unauthenticated("send a key or a token in the call's metadata: authorization: Bearer ...")
        caller = self._authenticator.caller(shown[0][len(_BEARER) :].strip())
        if caller is None:
            raise Unauthenticated("this key or token is not known, is not for this platform, or has ended")
        return caller


def _check(caller: Caller, method: str, rule: rule_pb2.Rule) -> None:
    if caller.scope < rule.scope:
        needed, held = Scope(rule.scope).name.lower(), caller.scope.name.lower()
        raise Denied(f"{method} needs the scope {needed!r}; {caller.name} has {held!r}")
    if rule.reach == rule_pb2.PLATFORM and caller.collections is not None:
        raise Denied(f"{method} is for who holds all collections; {caller.name} holds some")


def _check_names(caller: Caller, method: str, message: Message) -> None:
    for name, collection in names.found(message).items():
        if not caller.holds(collection):
            if method.endswith("/CreateCollection"):
                raise Denied(f"{caller.name} does not hold {name}")
            # Told before anything is looked up, so neither the answer nor its time says whether it is there.
            raise names.unknown(name)
