"""Whose call a servicer is answering."""

from weakref import WeakKeyDictionary

import grpc

from services.core.access import Caller

_known: "WeakKeyDictionary[grpc.ServicerContext, Caller]" = WeakKeyDictionary()


def remember(context: grpc.ServicerContext, caller: Caller) -> None:
    """Called by the guard, once it knows."""
    _known[context] = caller


def of(context: grpc.ServicerContext) -> Caller:
    """The caller whom the guard has let in."""
    return _known[context]
