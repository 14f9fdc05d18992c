"""Disks that are full for a while."""

import time
from pathlib import Path

from tests.chaos.world import World

BLOCKS = (1 << 20, 1 << 12)
AGAIN_S = 0.1
LONGEST_S = 30.0


def fill(world: World, which: str, seconds: float) -> str:
    """Fill one to the last page, keep it so whatever is removed meanwhile, and make room again.

    At least for so long, and until the video that comes has been refused.
    """
    disk = world.disks.get(which)
    if disk is None:
        return "skipped: no file system can be mounted here"
    filler = disk / "filler"
    try:
        began, before = time.monotonic(), world.uploader.refusals.total()
        while (passed := time.monotonic() - began) < LONGEST_S:
            _grow(filler)
            if passed > seconds and world.uploader.refusals.total() > before:
                break
            time.sleep(AGAIN_S)
        return f"{filler.stat().st_size >> 20} MiB"
    finally:
        filler.unlink(missing_ok=True)


def _grow(filler: Path) -> None:
    with filler.open("ab", buffering=0) as file:
        for block in BLOCKS:
            try:
                while True:
                    file.write(bytes(block))
            except OSError:
                continue
