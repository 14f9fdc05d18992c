"""The guard at the gateway's door: nobody gets in without a rule, a caller, its scope and the named collections."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from vidx.access.v1 import rule_pb2

from services.catalog.audit import OK
from services.core.access import LOCAL, Caller, Scope
from services.core.errors import Denied, Internal, Unauthenticated, VidxError
from services.gateway.access import callers, names
from services.runtime import telemetry
from services.runtime.guard import REFLECTION, Look, rules

_BEARER = "bearer "
AGAIN_S = 1.0
"""How often the key of a stream is looked at."""
_log = telemetry.log(__name__)


class Authenticator(Protocol):
    """Knows callers by what they show."""

    def caller(self, credential: str) -> Caller | None:
        """Who shows this key or token; None when it is worth nothing. Raises Unavailable when that cannot be told."""

    def goes_on(self, credential: str) -> bool:
        """Whether what was let in by it may go on."""


class Audit(Protocol):
    """Keeps what happened; raises Unavailable when it cannot."""

    def add(self, actor: str, peer: str, method: str, collection: str, resources: Sequence[str], outcome: str) -> None:
        """Of one call."""


class CallBounds(Protocol):
    """How much may be asked about a collection. Both raise QuotaExceeded."""

    def request(self, collection: str) -> None:
        """One more call."""

    def intake(self, collection: str) -> AbstractContextManager[None]:
        """One more upload, while it is under way."""


class Access:
    """Implements `runtime.guard.Guard` for the public services. Without an authenticator, whoever calls may do all."""

    def __init__(
        self,
        services: Sequence[ServiceDescriptor],
        authenticator: Authenticator | None,
        bounds: CallBounds,
        audit: Audit,
    ) -> None:
        self._authenticator = authenticator
        self._bounds = bounds
        self._audit = audit
        self._rules = {method: rule for method, (_, rule) in rules(services).items()}
        self._rules[REFLECTION] = rule_pb2.Rule(scope=rule_pb2.READ, reach=rule_pb2.LISTED)

    @contextmanager
    def enter(self, method: str, context: grpc.ServicerContext, request: Message | None) -> Iterator[Look]:
        rule = self._rules.get(method)
        if rule is None or rule.scope == rule_pb2.SCOPE_UNSPECIFIED:
            raise Denied(f"{method} has no rule that says who may call it")
        call = callers.remember(context, self._caller(context))
        with self._recorded(method, rule, call, context), ExitStack() as places:
            try:
                _check(call.caller, method, rule)
            except Denied:
                if request is not None:
                    call.resources.extend(names.given(request))
                    call.collection = min(filter(call.caller.holds, names.collections(request)), default="")
                raise

            looked = False

            checked = time.monotonic()

            def look(message: Message | None) -> None:
                nonlocal looked, checked
                if time.monotonic() - checked >= AGAIN_S:
                    # A stream may outlive the key that opened it.
                    self._check_still(context)
                    checked = time.monotonic()
                if message is None:
                    return
                first, looked = not looked, True
                if first:
                    call.resources.extend(names.given(message))
                if rule.reach != rule_pb2.REACH_UNSPECIFIED:
                    return
                if call.caller.collections is not None:
                    call.refused = True
                    # Later messages of a stream need no name; one that they have must be held as well.
                    _check_names(call.caller, method, names.found(message, needed=first))
                    call.refused = False
                if first:
                    self._count(rule, call, message, places)

            yield look

    @contextmanager
    def _recorded(
        self, method: str, rule: rule_pb2.Rule, call: callers.Call, context: grpc.ServicerContext
    ) -> Iterator[None]:
        """Keep what is changed, tried or refused, before it is answered."""

        name = method.removeprefix("/")
        # By the verbs of the API's methods (AIP-131, 132): keys, quotas and this log are read by administrators alone.
        changes = rule.scope > rule_pb2.READ and not name.rpartition("/")[2].startswith(("Get", "List"))

        def keep(outcome: str) -> None:
            self._audit.add(call.caller.name, context.peer(), name, call.collection, call.resources, outcome)

        try:
            yield
        except Exception as error:
            outcome = error.reason if isinstance(error, VidxError) else Internal.reason
            if changes or isinstance(error, Denied) or call.refused:
                try:
                    keep(outcome)
                except VidxError as fault:
                    # The answer is an error as it is.
                    _log.error("audit_lost", method=method, actor=call.caller.name, message=fault.message)
            raise
        if changes:
            keep(OK)

    def _count(self, rule: rule_pb2.Rule, call: callers.Call, message: Message, places: ExitStack) -> None:
        """Count a call for the collections that it names, until `places` are left."""
        for collection in sorted(names.collections(message)):
            call.collection = call.collection or collection
            self._bounds.request(collection)
            if rule.intake:
                places.enter_context(self._bounds.intake(collection))

    def _check_still(self, context: grpc.ServicerContext) -> None:
        if self._authenticator is not None and not self._authenticator.goes_on(_shown(context)):
            raise Unauthenticated("the key that opened this call was revoked, or has expired")

    def _caller(self, context: grpc.ServicerContext) -> Caller:
        if self._authenticator is None:
            return LOCAL
        caller = self._authenticator.caller(_shown(context))
        if caller is None:
            raise Unauthenticated("this key or token is not known, is not for this platform, or has ended")
        return caller


def _shown(context: grpc.ServicerContext) -> str:
    """The key or token of a call."""
    shown = [value for key, value in context.invocation_metadata() if key == "authorization"]
    if len(shown) != 1 or not isinstance(shown[0], str) or not shown[0].lower().startswith(_BEARER):
        raise Unauthenticated("send a key or a token in the call's metadata: authorization: Bearer ...")
    return shown[0][len(_BEARER) :].strip()


def _check(caller: Caller, method: str, rule: rule_pb2.Rule) -> None:
    if caller.scope < rule.scope:
        needed, held = Scope(rule.scope).name.lower(), caller.scope.name.lower()
        raise Denied(f"{method} needs the scope {needed!r}; {caller.name} has {held!r}")
    if rule.reach == rule_pb2.PLATFORM and caller.collections is not None:
        raise Denied(f"{method} is for who holds all collections; {caller.name} holds some")


def _check_names(caller: Caller, method: str, given: Mapping[str, str]) -> None:
    for name, collection in given.items():
        if not caller.holds(collection):
            if method.endswith("/CreateCollection"):
                raise Denied(f"{caller.name} does not hold {name}")
            # Told before anything is looked up, so neither the answer nor its time says whether it is there.
            raise names.unknown(name)
