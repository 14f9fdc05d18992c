"""Runs functions that touch media in child processes that may die alone, with Pebble."""

import gc
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from types import TracebackType
from typing import Any, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from services.core.errors import TimedOut, WorkerLost

T = TypeVar("T")
POLL_S = 0.25
TASKS_A_PROCESS = 200
"""A process is replaced after these, so that nothing a library leaks adds up."""


class Sandbox:
    """Processes with bounded memory, file size and time. They are started by `spawn`, when first needed, and reused."""

    def __init__(self, workers: int, memory_bytes: int, file_bytes: int) -> None:
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=TASKS_A_PROCESS,
            initializer=_confine,
            initargs=(memory_bytes, file_bytes, os.getpid()),
            context=multiprocessing.get_context("spawn"),
        )

    def run(
        self, function: Callable[..., T], *args: Any, timeout_s: float, tick: Callable[[], None] | None = None
    ) -> T:
        """The function's result; `tick` is called meanwhile, and what it raises ends the process.

        Raises what the function raises, TimedOut, WorkerLost.
        """
        future = self._pool.schedule(_tidily, args=(function, *args), timeout=timeout_s)
        try:
            while tick is not None:
                try:
                    future.result(timeout=POLL_S)
                    break
                except FutureTimeout:
                    if future.done():
                        break
                    tick()
            result: T = future.result()
            return result
        except FutureTimeout as error:
            raise TimedOut(
                f"the file was not read within {timeout_s:.0f} s: it is damaged, or this machine is too slow or too "
                "busy for it; raise VIDX_DECODING_TIMEOUT_BASE_S or VIDX_DECODING_TIMEOUT_FACTOR"
            ) from error
        except ProcessExpired as error:
            raise WorkerLost(
                f"the process that read the file died (exit code {error.exitcode}): the file breaks the decoder, or "
                "the machine is out of memory"
            ) from error
        finally:
            future.cancel()  # type: ignore[no-untyped-call]

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
