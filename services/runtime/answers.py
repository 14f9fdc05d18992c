"""What a child process answers, read without running anything that it says.

Pebble's processes answer with pickles, and a pickle may name any function of this program, for whoever reads it to
call. Whoever has taken over a process of the sandbox writes its pickles. So here one may name data alone: arrays,
paths, the platform's frozen dataclasses, named tuples, enumerations and errors, and the errors of Python itself.
"""

import io
import os
import pickle
import sys
from dataclasses import is_dataclass
from enum import Enum
from multiprocessing import reduction
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any

import numpy as np

from services.runtime import telemetry


def _numpy_makers() -> set[tuple[str, str]]:
    """What this version of NumPy makes arrays and numbers with, by either protocol in use."""
    made: list[Any] = [thing.__reduce_ex__(protocol)[0] for thing in (np.empty(1), np.float32()) for protocol in (4, 5)]
    return {(maker.__module__, maker.__qualname__) for maker in made}


_NAMED = {
    ("pebble.common.types", "RemoteException.rebuild_exception"),
    ("pebble.common.types", "Result"),
    ("pebble.common.types", "ResultStatus"),
    ("pebble.pool.process", "Acknowledgement"),
    ("pebble.pool.process", "TaskProblem"),
    ("pebble.pool.process", "TaskResult"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    *_numpy_makers(),
    ("fractions", "Fraction"),
    ("pathlib", "PosixPath"),
    ("builtins", "bytearray"),
    ("builtins", "frozenset"),
    ("builtins", "set"),
}
"""Of other libraries, what makes a value out of values."""
_OURS = "services."
_log = telemetry.log(__name__)


class Refused(pickle.UnpicklingError):
    """An answer names something that is not data."""


def written(value: object) -> bytes:
    """What `read` reads, in a process of the sandbox."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def read(data: bytes) -> Any:
    """The object that a pickle holds. Raises Refused, and what damaged pickles raise."""
    return _Unpickler(io.BytesIO(data)).load()


def may_return(error: BaseException) -> bool:
    """Whether `read` reads an error of this class."""
    cls = type(error)
    return "." not in cls.__qualname__ and _is_data(cls.__module__, cls.__qualname__, cls)


class Spawning(SpawnContext):
    """Makes processes by `spawn`, and pipes at whose end in this process answers are read with `read`."""

    def Pipe(self, duplex: bool = True) -> "tuple[Connection[Any, Any], Connection[Any, Any]]":  # noqa: N802
        if duplex:
            raise ValueError("pipes here have one direction")
        reader, writer = super().Pipe(duplex)
        with reader:
            return _Reader(os.dup(reader.fileno()), writable=False), writer


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _NAMED:
            return super().find_class(module, name)
        # Looked up, never imported: what a call returns is of modules that its caller has.
        found = None if "." in name else getattr(sys.modules.get(module), name, None)
        if not _is_data(module, name, found):
            raise Refused(f"an answer names {module}.{name}")
        return found


class _Reader(Connection):  # type: ignore[type-arg]
    """The end of a pipe at which Pebble's messages arrive. One that is refused counts as none, and its call waits on.

    Only who has taken over a process sends such: errors are looked at there, and what a call returned comes as bytes.
    """

    def recv(self) -> Any:
        data = self.recv_bytes()
        try:
            return read(data)
        except Exception as error:
            _log.warning("answer_refused", bytes=len(data), error=repr(error))
            return None


def _plain(end: _Reader) -> tuple[Any, ...]:
    return _opened, (reduction.DupFd(end.fileno()),)


def _opened(end: Any) -> "Connection[Any, Any]":
    return Connection(end.detach(), writable=False)


# A process that is handed this end, to close it, gets a plain one.
reduction.register(_Reader, _plain)


def _is_data(module: str, name: str, found: Any) -> bool:
    if not isinstance(found, type) or (found.__module__, found.__qualname__) != (module, name):
        return False
    if module == "builtins":
        return issubclass(found, Exception)
    if not module.startswith(_OURS):
        return False
    frozen = is_dataclass(found) and found.__dataclass_params__.frozen  # type: ignore[attr-defined]
    named = issubclass(found, tuple) and hasattr(found, "_fields")
    return frozen or named or issubclass(found, (Enum, Exception))
