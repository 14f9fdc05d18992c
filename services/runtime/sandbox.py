"""Runs functions in child processes that may die alone, with Pebble.

For libraries that read a stranger's bytes, or that hold the interpreter's lock.
"""

import gc
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
from typing import Any, Generic, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from services.core.errors import TimedOut, WorkerLost

T = TypeVar("T")
POLL_S = 0.25
TASKS_A_PROCESS = 200
"""A process is replaced after these, so that nothing a library leaks adds up."""
FILE_BYTES = 64 << 20


class Task(Generic[T]):
    """A call under way."""

    def __init__(self, future: "Future[T]", late: str, lost: str) -> None:
        self._future = future
        self._late = late
        self._lost = lost

    def result(self, tick: Callable[[], None] | None = None) -> T:
        """What the function returned; `tick` is called meanwhile, and what it raises ends the process.

        Raises what the function raises, TimedOut, WorkerLost.
        """
        try:
            while tick is not None:
                try:
                    return self._future.result(timeout=POLL_S)
                except FutureTimeout:
                    if self._future.done():
                        break
                    tick()
            return self._future.result()
        except FutureTimeout as error:
            raise TimedOut(self._late) from error
        except ProcessExpired as error:
            raise WorkerLost(self._lost.format(error.exitcode)) from error
        finally:
            self.cancel()

    def cancel(self) -> None:
        """End it, with its process when it is under way; one that has ended stays as it is."""
        self._future.cancel()


class Sandbox:
    """Processes with bounded memory, file size and time. They are started by `spawn`, when first needed, and reused.

    `what` names the work in errors, such as "reading the file"; `slow` says what to do when it takes too long.
    """

    def __init__(
        self, workers: int, memory_bytes: int, file_bytes: int = FILE_BYTES, *, what: str = "the work", slow: str = ""
    ) -> None:
        self._what = what
        self._slow = f"; {slow}" if slow else ""
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=TASKS_A_PROCESS,
            initializer=_confine,
            initargs=(memory_bytes, file_bytes, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )

    def start(self, function: Callable[..., T], *args: Any, timeout_s: float) -> Task[T]:
        """Begin a call. The time counts from when a process takes it."""
        late = (
            f"{self._what} took more than {timeout_s:.0f} s: the input is damaged, or this machine is too slow or too "
            f"busy for it{self._slow}"
        )
        lost = (
            f"the process died at {self._what} (exit code {{}}): the input breaks the library, or the machine is out "
            "of memory"
        )
        return Task(self._pool.schedule(_tidily, args=(function, *args), timeout=timeout_s), late, lost)

    def run(
        self, function: Callable[..., T], *args: Any, timeout_s: float, tick: Callable[[], None] | None = None
    ) -> T:
        """The result of a call; see `Task.result`."""
        return self.start(function, *args, timeout_s=timeout_s).result(tick)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _tidily(function: Callable[..., T], *args: Any) -> T:
    """Call it, and free what it used: PyAV's objects hold each other, and too few are made for the collector to run."""
    try:
        return function(*args)
    finally:
        gc.collect()


def _confine(memory_bytes: int, file_bytes: int, parent: int) -> None:
    """Bound what this process may take, and end it with its parent."""
    for kind, bound in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
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
