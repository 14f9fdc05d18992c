"""Small file systems in memory that only this process and its children see, and that go with the last of them."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NEWNS, _NEWUSER = 0x20000, 0x10000000
_REC_PRIVATE = 0x4000 | 0x40000
_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


def separate() -> bool:
    """Leave the machine's mounts, before any thread is started; False where the kernel does not allow that."""
    user, group = os.geteuid(), os.getegid()
    if _libc.unshare(_NEWNS if user == 0 else _NEWNS | _NEWUSER):
        return False
    if user:
        # Who is root in a name space of its own may mount there.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    return _libc.mount(b"none", b"/", None, _REC_PRIVATE, None) == 0


@contextmanager
def small(place: Path, mib: int) -> Iterator[bool]:
    """A new folder; True when it is a file system of that size, which keeps attributes of files as Swift needs."""
    place.mkdir()
    if _libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", 0, f"size={mib}m,mode=0700".encode()):
        yield False
        return
    try:
        probe = place / "probe"
        probe.touch()
        keeps = False
        with suppress(OSError):
            os.setxattr(probe, "user.probe", b"1")
            keeps = True
        probe.unlink()
        if not keeps:
            _libc.umount2(os.fsencode(place), _DETACH)
        yield keeps
    finally:
        _libc.umount2(os.fsencode(place), _DETACH)
