"""Reads the programs' logs: their ends, and what is being written."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

POLL_S = 0.2
_BLOCK = 1 << 16


def tail(file: Path, lines: int) -> list[str]:
    """The last lines of a file; none when it is not there."""
    try:
        with open(file, "rb") as log:
            return [_text(line) for line in _last(log, lines)]
    except FileNotFoundError:
        return []


def follow(files: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """(name, line) whenever a line is added to one of the files, over their rotation, without end."""
    at = {name: _place(file) for name, file in files.items()}
    while True:
        idle = True
        for name, file in files.items():
            try:
                with open(file, "rb") as log:
                    inode, offset = at[name]
                    now = os.fstat(log.fileno())
                    # Rotated, or cut off: what was added since lies at the beginning.
                    offset = offset if now.st_ino == inode and now.st_size >= offset else 0
                    log.seek(offset)
                    for line in log:
                        if not line.endswith(b"\n"):
                            break
                        offset += len(line)
                        idle = False
                        yield name, _text(line)
                    at[name] = now.st_ino, offset
            except FileNotFoundError:
                continue
        if idle:
            time.sleep(POLL_S)


def _place(file: Path) -> tuple[int, int]:
    try:
        now = file.stat()
        return now.st_ino, now.st_size
    except FileNotFoundError:
        return 0, 0


def _last(log: BinaryIO, lines: int) -> list[bytes]:
    size = log.seek(0, os.SEEK_END)
    data = b""
    while size > 0 and data.count(b"\n") <= lines:
        step = min(_BLOCK, size)
        size -= step
        log.seek(size)
        data = log.read(step) + data
    return data.splitlines()[-lines:] if lines else []


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
