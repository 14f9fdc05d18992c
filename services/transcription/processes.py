"""Child processes for libraries that hold the interpreter's lock or read a stranger's bytes, with Pebble."""

import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from types import TracebackType
from typing import Any, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from services.core.errors import TimedOut, WorkerLost

T = TypeVar("T")
POLL_S = 0.25
TASKS_A_PROCESS = 2000
"""A process is replaced after these, so that nothing a library leaks adds up."""


class Task:
    """A call under way."""

    def __init__(self, future: "Future[Any]", what: str, timeout_s: float) -> None:
        self._future = future
        self._what = what
        self._timeout_s = timeout_s

    def result(self, tick: Callable[[], None] | None = None) -> Any:
        """What the function returned; `tick` is called meanwhile.

        Raises what the function raises, TimedOut, WorkerLost.
        """
        try:
            while tick is not None and not self._future.done():
                tick()
                try:
                    return self._future.result(timeout=POLL_S)
                except FutureTimeout:
                    continue
            return self._future.result()
        except FutureTimeout as error:
            raise TimedOut(
                f"{self._what} took more than {self._timeout_s:.0f} s: this machine is too slow or too busy for it; "
                "raise VIDX_TRANSCRIPTION_TIMEOUT_FACTOR"
            ) from error
        except ProcessExpired as error:
            raise WorkerLost(
                f"the process at {self._what} died (exit code {error.exitcode}): the machine is out of memory, or the "
                "sound breaks the library"
            ) from error

    def cancel(self) -> None:
        """End it, with its process when it is under way."""
        self._future.cancel()


class Processes:
    """Child processes, started by `spawn` when first needed, and reused."""

    def __init__(self, count: int, memory_bytes: int) -> None:
        self._pool = ProcessPool(
            max_workers=count,
            max_tasks=TASKS_A_PROCESS,
            initializer=_confine,
            initargs=(memory_bytes, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )

    def start(self, what: str, timeout_s: float, function: Callable[..., T], *args: Any) -> Task:
        """Begin a call; `what` names it in errors. The time counts from when a process takes it."""
        return Task(self._pool.schedule(function, args=args, timeout=timeout_s), what, timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _confine(memory_bytes: int, parent: int) -> None:
    """Bound what this process may take, and end it with its parent."""
    for kind, bound in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        value = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (value, value))
    # Ctrl-C goes to the whole group; the parent decides what it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
