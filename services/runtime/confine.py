"""What a process of the sandbox may do: bounds on what it takes, no network, no process, no file but those it is given.

Twice: once for the whole process, for its life, and once for the thread of each call, which ends with the call. So a
process can be used again for another file, and still no call reaches another call's file.
"""

import os
import resource
import signal
import sysconfig
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TypeVar

import services
from services.runtime import landlock, seccomp

T = TypeVar("T")
OPEN_FILES = 256
_ANYWHERE = Path("/")
_CODE = [
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    *(Path(folder) for folder in services.__path__),
]
_SYSTEM = [
    Path(name)
    for name in (
        "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/etc/localtime",
        "/usr/share/zoneinfo", "/dev/urandom", "/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo",
    )
]  # fmt: skip
"""Libraries and their data, and what they ask about the machine; nothing of anybody's."""
_NULL = Path("/dev/null")


@dataclass(frozen=True)
class Bounds:
    """What one process may take: bytes of address space, bytes of a file, and folders beneath which all its files lie.

    `code` are further folders that hold Python modules.
    """

    memory: int
    file: int
    within: tuple[Path, ...] = (_ANYWHERE,)
    code: tuple[Path, ...] = ()


def kinds() -> str:
    """What this machine's kernel offers, such as "landlock v6, seccomp, rlimits"."""
    known = landlock.version()
    found = [f"landlock v{known}"] if known else []
    return ", ".join([*found, *(["seccomp"] if seccomp.available() else []), "rlimits"])


def process(bounds: Bounds, parent: int) -> None:
    """Bound this process, which must have one thread yet, and end it with its parent."""
    for kind, bound in (
        (resource.RLIMIT_AS, bounds.memory),
        (resource.RLIMIT_FSIZE, bounds.file),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
    ):
        hard = resource.getrlimit(kind)[1]
        value = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (value, value))
    # Ctrl-C goes to the whole group; the parent decides what it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    # No secret of the service lies where a stranger's bytes are read.
    for name in [name for name in os.environ if name.startswith("VIDX_")]:
        del os.environ[name]
    landlock.restrict([*_CODE, *bounds.code, *_SYSTEM], [*bounds.within, _NULL], alone=True)
    seccomp.confine()
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def call(
    function: Callable[[], T], reads: Sequence[Path], writes: Sequence[Path], code: Sequence[Path], cpu_s: float
) -> T:
    """The function's result, from a thread that may read and write these paths only.

    The process ends when its threads take more than `cpu_s` of processor time meanwhile.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = ceil(used.ru_utime + used.ru_stime + cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))
    results: list[T] = []
    errors: list[BaseException] = []

    def confined() -> None:
        try:
            seccomp.keep_limits()
            landlock.restrict([*_CODE, *code, *_SYSTEM, *reads], [*writes, _NULL])
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=confined, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
