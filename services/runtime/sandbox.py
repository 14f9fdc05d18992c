"""Runs functions in child processes that may die alone, with Pebble.

For libraries that read a stranger's bytes, or that hold the interpreter's lock. A call reaches the files that it is
given, and nothing else: see `services.runtime.confine`. What it returns is data: see `services.runtime.answers`.
"""

import gc
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from services.core.errors import Internal, MediaLimit, TimedOut, WorkerLost
from services.runtime import answers, confine, telemetry

T = TypeVar("T")
POLL_S = 0.25
TASKS_A_PROCESS = 200
"""A process is replaced after these, so that nothing a library leaks adds up."""
FILE_BYTES = 64 << 20
MOST_FILES = 10_000
_NO_MEMORY = 77
"""Exit status of a process that asked for more than it may have: what its libraries hold then is not trusted."""
_log = telemetry.log(__name__)


class Task(Generic[T]):
    """A call under way, which writes beneath `writes` only; `begin` begins it."""

    def __init__(
        self, begin: "Callable[[], Future[bytes]]", sandbox: "Sandbox", late: str, writes: Sequence[Path]
    ) -> None:
        self._begin = begin
        self._future = begin()
        self._sandbox = sandbox
        self._late = late
        self._writes = writes

    def result(self, tick: Callable[[], None] | None = None) -> T:
        """What the function returned; `tick` is called meanwhile, and what it raises ends the process.

        Raises what the function raises, TimedOut, WorkerLost; MediaLimit when it took more memory or wrote more than
        it may; Internal when it returned something that is not data.
        """
        try:
            found: T = answers.read(self._answer(tick))
        except answers.Refused as error:
            raise Internal(f"{self._sandbox.what}: {error}") from error
        return found

    def _answer(self, tick: Callable[[], None] | None) -> bytes:
        try:
            forgotten = False
            while not self._future.done():
                try:
                    return self._future.result(timeout=POLL_S)
                except FutureTimeout:
                    if self._future.done():
                        break
                    self._check_written()
                    if tick is not None:
                        tick()
                # Twice: an end that the pool is about to tell of looks the same for a moment.
                before, forgotten = forgotten, self._sandbox.forgot(self._future)
                if before and forgotten:
                    _log.warning("sandbox_again", what=self._sandbox.what)
                    self._future.cancel()
                    self._future, forgotten = self._begin(), False
            return self._future.result()
        except FutureTimeout as error:
            raise TimedOut(self._late) from error
        except ProcessExpired as error:
            raise self._sandbox.lost(error.exitcode, self._late) from error
        finally:
            self.cancel()

    def cancel(self) -> None:
        """End it, with its process when it is under way; one that has ended stays as it is."""
        self._future.cancel()

    def _check_written(self) -> None:
        files = [size for path in self._writes for size in _sizes(path)]
        if sum(files) > self._sandbox.output_bytes or len(files) > MOST_FILES:
            raise MediaLimit(
                f"more than {self._sandbox.output_bytes >> 20} MiB or {MOST_FILES} files were written at "
                f"{self._sandbox.what}"
            )


class Sandbox:
    """Processes with bounded memory, files and time. They are started by `spawn`, when first needed, and reused.

    `what` names the work in errors, such as "reading the file"; `slow` says what to do when it takes too long, and
    `large` when it takes too much memory. A file has at most `file_bytes`, all files of a call twice as many. No call
    reaches a file that is not beneath `within`; `code` are folders of further Python modules.
    """

    def __init__(
        self,
        workers: int,
        memory_bytes: int,
        file_bytes: int = FILE_BYTES,
        *,
        what: str = "the work",
        slow: str = "",
        large: str = "",
        within: Sequence[Path] = (Path("/"),),
        code: Sequence[Path] = (),
    ) -> None:
        self.what = what
        self.output_bytes = 2 * file_bytes
        self._slow = f"; {slow}" if slow else ""
        self._large = f"; {large}" if large else ""
        self._code = tuple(code)
        self._memory = memory_bytes
        bounds = confine.Bounds(memory_bytes, file_bytes, tuple(within), self._code)
        self._pool = ProcessPool(
            max_workers=workers,
            max_tasks=TASKS_A_PROCESS,
            initializer=confine.process,
            initargs=(bounds, os.getpid()),
            context=answers.Spawning(),
        )

    def start(
        self,
        function: Callable[..., T],
        *args: Any,
        timeout_s: float,
        reads: Sequence[Path] = (),
        writes: Sequence[Path] = (),
    ) -> Task[T]:
        """Begin a call, which may read beneath some paths and write beneath others.

        The time counts from when a process takes it; of processor time it may have as much on every processor.
        """
        late = (
            f"{self.what} took more than {timeout_s:.0f} s: the input is damaged, or this machine is too slow or too "
            f"busy for it{self._slow}"
        )
        cpu_s = timeout_s * len(os.sched_getaffinity(0))
        work = (partial(function, *args), tuple(reads), tuple(writes), self._code, cpu_s)
        return Task(lambda: self._pool.schedule(_tidily, args=work, timeout=timeout_s), self, late, writes)

    def run(
        self,
        function: Callable[..., T],
        *args: Any,
        timeout_s: float,
        reads: Sequence[Path] = (),
        writes: Sequence[Path] = (),
        tick: Callable[[], None] | None = None,
    ) -> T:
        """The result of a call; see `start` and `Task.result`."""
        return self.start(function, *args, timeout_s=timeout_s, reads=reads, writes=writes).result(tick)

    def forgot(self, future: "Future[Any]") -> bool:
        """Whether a call is under way in a process that Pebble ended, and of which it will say nothing more.

        Pebble 5.2 ends the process of a call that was cancelled, though that may have come to its next one meanwhile,
        and waits for the answer to that until its time is up. Of one whose time is up it does tell, once the process
        is gone: a library that hangs is killed only after seconds.
        """
        manager = self._pool._pool_manager
        processes, late = manager.worker_manager.workers, manager.task_manager.timeout
        tasks = tuple(manager.task_manager.tasks.values())
        return any(t.future is future and t.started and t.worker_id not in processes and not late(t) for t in tasks)

    def lost(self, exit_code: int, late: str) -> Exception:
        """What the end of a process says."""
        if exit_code == _NO_MEMORY:
            return MediaLimit(f"{self.what} needs more memory than {self._memory >> 20} MiB{self._large}")
        if exit_code == -signal.SIGXCPU:
            return TimedOut(late)
        return WorkerLost(
            f"the process died at {self.what} (exit code {exit_code}): the input breaks the library, or the machine "
            "is out of memory"
        )

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


def announce() -> None:
    """Log what confines the processes on this machine; call once, at the start."""
    _log.info("sandbox", kinds=confine.kinds())


def _tidily(
    function: Callable[[], object], reads: Sequence[Path], writes: Sequence[Path], code: Sequence[Path], cpu_s: float
) -> bytes:
    """Call it, and free what it used: PyAV's objects hold each other, and too few are made for the collector to run."""
    try:
        return answers.written(confine.call(function, reads, writes, code, cpu_s))
    except MemoryError:
        os._exit(_NO_MEMORY)
    except Exception as error:
        if answers.may_return(error):
            raise
        raise Internal(f"{type(error).__name__}: {error}") from error
    finally:
        gc.collect()


def _sizes(path: Path) -> Iterator[int]:
    """Bytes of the files beneath a path; folders count as empty files."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                yield entry.stat(follow_symlinks=False).st_size if entry.is_file(follow_symlinks=False) else 0
                if entry.is_dir(follow_symlinks=False):
                    yield from _sizes(Path(entry.path))
    except NotADirectoryError:
        yield path.stat().st_size
    except FileNotFoundError:
        return
