"""Seccomp: system calls that the process may no longer make, as a filter in the kernel's classic BPF.

Named are those by which a process reaches others, the network, the kernel's rarer parts, and rights; they fail with
EPERM. Read and write of open files, memory and threads stay. Needs no privilege and no library.
"""

import ctypes
import errno
import os
import platform
from collections.abc import Sequence

_X86, _ARM = "x86_64", "aarch64"
_AUDIT = {_X86: 0xC000003E, _ARM: 0xC00000B7}
_CLONE = {_X86: 56, _ARM: 220}
_CLONE3 = 435
_CLONE_THREAD = 0x00010000
_SIGNALS = {_X86: (62, 234), _ARM: (129, 131)}
"""kill, tgkill: their first argument is a process."""
_PRLIMIT = {_X86: 302, _ARM: 261}
_X32 = 0x40000000
_NONE = -1

# Names with their numbers on x86-64 and on 64-bit ARM; _NONE where there is no such call.
_DENIED: dict[str, tuple[int, int]] = {
    "socket": (41, 198),
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, _NONE), "vfork": (58, _NONE),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "mount_setattr": (442, 442), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "sethostname": (170, 161), "setdomainname": (171, 162),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "iopl": (172, _NONE), "ioperm": (173, _NONE), "modify_ldt": (154, _NONE), "personality": (135, 92),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "acct": (163, 89), "syslog": (103, 116),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "fanotify_init": (300, 262),
    "mknod": (133, _NONE), "mknodat": (259, 33),
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "chmod": (90, _NONE), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, _NONE), "lchown": (94, _NONE), "fchown": (93, 55), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "utime": (132, _NONE), "utimes": (235, _NONE), "futimesat": (261, _NONE), "utimensat": (280, 88),
    "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143),
    "setresuid": (117, 147), "setresgid": (119, 149), "setgroups": (116, 159),
    "setfsuid": (122, 151), "setfsgid": (123, 152), "capset": (126, 91),
}  # fmt: skip
_LIMITS: dict[str, tuple[int, int]] = {"setrlimit": (160, 164)}

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _ANSWER = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH = 0, 4
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP = {_X86: 317, _ARM: 277}
_SET_FILTER, _ACTION_AVAILABLE, _ALL_THREADS = 1, 2, 1

_libc = ctypes.CDLL(None, use_errno=True)


class _Step(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def available() -> bool:
    """Whether this kernel takes filters, and this machine's calls are known here."""
    machine = platform.machine()
    if machine not in _AUDIT:
        return False
    action = ctypes.c_uint32(_FAIL)
    return bool(_libc.syscall(_SECCOMP[machine], _ACTION_AVAILABLE, 0, ctypes.byref(action)) == 0)


def confine() -> None:
    """Deny the calls above to all threads of this process, a signal to another process, and starting one.

    Does nothing where `available` is false. Raises OSError when the kernel refuses.
    """
    if available():
        machine = platform.machine()
        steps = _begin(machine)
        for numbers in _DENIED.values():
            steps += _deny(_of(machine, numbers))
        steps += _threads_only(machine)
        for number in _SIGNALS[machine]:
            steps += _own_process(number)
        _install([*steps, (_ANSWER, 0, 0, _ALLOW)], machine, _ALL_THREADS)


def keep_limits() -> None:
    """Deny the calling thread, and those that it starts, to change resource limits; where `available`."""
    if available():
        machine = platform.machine()
        steps = _begin(machine)
        for numbers in _LIMITS.values():
            steps += _deny(_of(machine, numbers))
        steps += _reading_limits_only(machine)
        _install([*steps, (_ANSWER, 0, 0, _ALLOW)], machine, 0)


_Steps = list[tuple[int, int, int, int]]


def _of(machine: str, numbers: tuple[int, int]) -> int:
    return numbers[0 if machine == _X86 else 1]


def _begin(machine: str) -> _Steps:
    """End a process that calls as another kind of machine, and load the call's number."""
    steps = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, _AUDIT[machine]), (_ANSWER, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER)]
    if machine == _X86:
        steps += [(_AT_LEAST, 0, 1, _X32), (_ANSWER, 0, 0, _KILL)]
    return steps


def _deny(number: int, answer: int = errno.EPERM) -> _Steps:
    return [] if number == _NONE else [(_EQUAL, 0, 1, number), (_ANSWER, 0, 0, _FAIL | answer)]


def _threads_only(machine: str) -> _Steps:
    """clone makes threads only; clone3, whose flags a filter cannot see, is not there, so that clone is used."""
    return [
        *_deny(_CLONE3, errno.ENOSYS),
        (_EQUAL, 0, 4, _CLONE[machine]),
        (_LOAD, 0, 0, _argument(0)),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_ANSWER, 0, 0, _FAIL | errno.EPERM),
        (_ANSWER, 0, 0, _ALLOW),
    ]


def _own_process(number: int) -> _Steps:
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _argument(0)),
        (_EQUAL, 1, 0, os.getpid()),
        (_ANSWER, 0, 0, _FAIL | errno.EPERM),
        (_ANSWER, 0, 0, _ALLOW),
    ]


def _reading_limits_only(machine: str) -> _Steps:
    """prlimit64 without new limits: a null pointer, of two halves."""
    return [
        (_EQUAL, 0, 6, _PRLIMIT[machine]),
        (_LOAD, 0, 0, _argument(2)),
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, _argument(2) + 4),
        (_EQUAL, 0, 1, 0),
        (_ANSWER, 0, 0, _ALLOW),
        (_ANSWER, 0, 0, _FAIL | errno.EPERM),
    ]


def _argument(index: int) -> int:
    """Where the lower half of a call's argument lies; both machines put it first."""
    return 16 + 8 * index


def _install(steps: Sequence[tuple[int, int, int, int]], machine: str, flags: int) -> None:
    held = (_Step * len(steps))(*(_Step(*step) for step in steps))
    program = _Program(len(steps), held)
    failed = _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or _libc.syscall(
        _SECCOMP[machine], _SET_FILTER, flags, ctypes.byref(program)
    )
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")
