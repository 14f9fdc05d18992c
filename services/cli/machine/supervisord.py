"""`python -m services.cli.machine.supervisord`: supervisord, which lives on when there is no room for what it says.

It tells of a log that cannot be written on its standard error, which is a file on the same disk, and would end there.
"""

import io
import os
import sys
from contextlib import suppress

from supervisor.supervisord import main


class Tolerant(io.TextIOBase):
    """Standard error, without what cannot be written."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            os.write(2, text.encode(errors="replace"))
        return len(text)


if __name__ == "__main__":
    sys.stderr = Tolerant()
    main()
