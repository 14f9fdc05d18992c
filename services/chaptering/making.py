"""Work that tells somebody how far it has come, and ends when nobody waits for it any more."""

import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from services.core.errors import Cancelled
from services.core.jobs import Progress

T = TypeVar("T")


def made(work: Callable[[Progress], T], on_end: Callable[[Callable[[], None]], bool]) -> Iterator[tuple[int, int] | T]:
    """Do work on a thread of its own: yields (done, total) parts of it, and at last what it gives.

    What it raises is raised here. `on_end` registers what is to be called when the caller has gone, and says whether
    he is still there; when he has gone, work's progress raises Cancelled. The iterator does not end before the work
    has, so that there is never more of it under way than there are callers.
    """
    parts: SimpleQueue[tuple[int, int] | None] = SimpleQueue()
    gone = threading.Event()

    def progress(done: int, total: int) -> None:
        if gone.is_set():
            raise Cancelled("the caller has gone")
        parts.put((done, total))

    def end() -> None:
        gone.set()
        parts.put(None)

    if not on_end(end):
        gone.set()
    with ThreadPoolExecutor(1, thread_name_prefix="making") as pool:
        try:
            # What log lines carry is bound to this thread.
            result = pool.submit(contextvars.copy_context().run, work, progress)
            result.add_done_callback(lambda _: parts.put(None))
            while (part := parts.get()) is not None:
                yield part
            if gone.is_set():
                raise Cancelled("the caller has gone")
            yield result.result()
        finally:
            gone.set()
