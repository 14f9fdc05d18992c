"""Landlock: a thread, and every thread and process that it starts from then on, may touch only the files named here.

The kernel's own interface (linux/landlock.h), which the C library has no functions for. Needs no privilege. Checks that
an older kernel does not know are left out; `version` says how many it knows.
"""

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_DIR, _MAKE_REG = 1 << 7, 1 << 8
_TRUNCATE = 1 << 14
_FIRST = (1 << 13) - 1
"""What the first version checks."""
_SINCE = {2: 1 << 13, 3: _TRUNCATE, 5: 1 << 15}
"""Refer, truncate, ioctl on devices."""
_NET_SINCE, _NET = 4, 0b11
"""Bind and connect, TCP."""
_SCOPE_SINCE, _SCOPE = 6, 0b11
"""Abstract Unix sockets and signals, to outside."""

_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """The version of the interface that this kernel has; 0 when it has none, or it is switched off."""
    found: int = _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)
    return max(0, found)


def restrict(reads: Iterable[Path], writes: Iterable[Path], *, alone: bool = False) -> None:
    """Let the calling thread read beneath the first, read and write beneath the second, and open nothing else.

    Paths are files or folders; those that do not exist are left out. No TCP either, and, when `alone`, no signal and no
    abstract Unix socket to a process outside. Does nothing where `version` is 0; OSError when the kernel refuses.
    """
    known = version()
    if not known:
        return
    files = _FIRST | sum(bit for since, bit in _SINCE.items() if known >= since)
    wanted = _Ruleset(files, _NET if known >= _NET_SINCE else 0, _SCOPE if alone and known >= _SCOPE_SINCE else 0)
    size = 8 if known < _NET_SINCE else 16 if known < _SCOPE_SINCE else 24
    ruleset = _called(_CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(size), 0)
    try:
        for paths, rights in ((reads, _READ), (writes, _WRITE)):
            for path in paths:
                with suppress(FileNotFoundError):
                    _allow(ruleset, path, rights & files)
        if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise _error("prctl")
        _called(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not path.is_dir():
            rights &= _OF_FILES
        rule = _Beneath(rights, descriptor)
        _called(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)


def _called(number: int, *arguments: object) -> int:
    found: int = _libc.syscall(number, *arguments)
    if found < 0:
        raise _error(f"landlock, call {number}")
    return found


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
