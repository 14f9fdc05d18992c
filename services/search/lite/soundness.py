"""Whether a collection's files can be written on after a write that failed, as on a full disk.

milvus-lite goes on as if nothing had happened, and loses what it has answered for: what is logged behind half a record
is not read at the next start, and the log of a flush that failed is removed with those before it at the next one. A new
process reads all of both, as long as nothing was written since.
"""

import errno
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOM = 64 << 20
"""Bytes that must be free before it is worth to begin anew."""
PAUSE_S = 2.0
"""Between the failure and the new beginning: another limit than the disk's own may not show as room."""
_log = logging.getLogger(__name__)


def _end() -> None:
    # At once: what buffers still hold would end up in the log.
    os._exit(1)


class Soundness:
    """Of the files in `folder`. `end` ends the process, which is started again by whoever started it."""

    def __init__(self, folder: Path, end: Callable[[], None] = _end) -> None:
        self._folder = folder
        self._end = end
        self._failed: float | None = None

    @contextmanager
    def write(self) -> Iterator[None]:
        """Around each write. After one that failed there is none: each is refused, and the process ends when there is
        room again. Reads go on. Raises OSError.
        """
        if self._failed is not None:
            if time.monotonic() - self._failed > PAUSE_S and shutil.disk_usage(self._folder).free >= ROOM:
                _log.error("a write failed and there is room again: ending, to read the log anew")
                self._end()
            raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}, or was when a write failed", str(self._folder))
        try:
            yield
        except OSError:
            self._failed = time.monotonic()
            raise
