"""Whose call a servicer is answering, and what it is about."""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import grpc

from services.core.access import Caller


@dataclass
class Call:
    """A call that the guard has let in: its caller, and the resources that it names or makes."""

    caller: Caller
    collection: str = ""
    resources: list[str] = field(default_factory=list)
    refused: bool = False
    """It named what its caller does not hold."""


_known: "WeakKeyDictionary[grpc.ServicerContext, Call]" = WeakKeyDictionary()


def remember(context: grpc.ServicerContext, caller: Caller) -> Call:
    """Called by the guard, once it knows."""
    call = _known[context] = Call(caller)
    return call


def of(context: grpc.ServicerContext) -> Caller:
    """The caller whom the guard has let in."""
    return _known[context].caller


def made(context: grpc.ServicerContext, name: str) -> None:
    """The call has made a resource that it could not name; the audit log will."""
    _known[context].resources.append(name)
