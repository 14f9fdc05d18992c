"""A worker's sign of life for whoever restarts it, in a file: `python -m services.runtime.alive FILE [--within S]`.

A worker answers nobody, and its heartbeat in the broker comes from a thread of its own. This one comes from the loop
that takes the messages: a worker that hangs there, or stands still, says nothing more. While the broker is away the
loop goes on trying, and says so; a restart would not bring the broker back.

The file holds CLOCK_MONOTONIC's seconds, which all processes of a machine share, and which nobody sets back. The exit
status is 0 when the last sign is younger than asked.
"""

import argparse
import sys
import time
from pathlib import Path

TELL_S = 2.0
WITHIN_S = 60.0
"""Calls of a broker that does not answer end after 5 s each, tries included well within this."""


def tell(file: Path) -> None:
    """Say that this process turns. A disk that is full is no reason to stop."""
    written = file.with_suffix(".new")
    try:
        written.write_text(f"{time.monotonic()!r}\n")
        written.replace(file)
    except OSError:
        pass


def silence(file: Path) -> float:
    """Seconds since the last sign. Raises OSError when there is no file, ValueError when it holds no time."""
    return time.monotonic() - float(file.read_text())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.runtime.alive", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="the worker's VIDX_WORKER_ALIVE")
    parser.add_argument("--within", type=float, default=WITHIN_S, metavar="SECONDS", help=f"{WITHIN_S:.0f} by default")
    args = parser.parse_args()
    try:
        found = silence(args.file)
    except (OSError, ValueError) as error:
        print(f"no sign of life: {error}", file=sys.stderr)
        return 1
    print(f"the last sign of life is {found:.1f} s old")
    # Of before the machine was started anew, when it lies in the future.
    return 0 if 0 <= found <= args.within else 1


if __name__ == "__main__":
    sys.exit(main())
