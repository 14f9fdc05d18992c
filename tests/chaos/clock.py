"""A clock that processes can be told while they run: libfaketime under all of them, and a file that it reads."""

import os
from pathlib import Path

READ_EVERY_S = 1


class Clock:
    """Starts as the machine's. `library` is libfaketime, `offset` the file."""

    def __init__(self, library: Path, offset: Path) -> None:
        self._offset = offset
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_CACHE_DURATION": str(READ_EVERY_S),
            # As at a real step: what is measured by the other clocks, such as all waiting, goes on.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }
        """What puts a process, and what it starts, on this clock."""
        self.set_to(0)

    def set_to(self, seconds: int) -> None:
        """So far from the machine's clock, from now on, within `READ_EVERY_S`."""
        fresh = self._offset.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        os.replace(fresh, self._offset)


def library(programs: Path) -> Path | None:
    """libfaketime in the environment that has this folder of programs; None when it is not installed."""
    found = programs.parent.glob("lib/python*/site-packages/libfaketime/vendor/libfaketime/src/libfaketime.so.1")
    return next(found, None)
