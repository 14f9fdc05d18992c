"""What a process holds for its life lies in huge pages, and takes no more memory for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime import pages

HOLDING = """
import threading
from pathlib import Path
from services.runtime import pages

def told(what):
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) >> 10

over = threading.Event()
for _ in range(40):
    threading.Thread(target=over.wait).start()
held = {number: str(number) for number in range(400_000)}
before = told("Rss"), told("AnonHugePages")
done = pages.collapse()
print(*before, told("Rss"), told("AnonHugePages"), done >> 20, len(held))
over.set()
"""
HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")
KERNEL = tuple(map(int, os.uname().release.split(".")[:2]))


@pytest.mark.skipif(
    KERNEL < (6, 1) or not HUGE.exists() or "[never]" in HUGE.read_text(),
    reason="this kernel puts nothing into huge pages when asked",
)
def test_a_process_that_has_started_lies_in_huge_pages_and_is_not_larger() -> None:
    done = subprocess.run([sys.executable, "-c", HOLDING], capture_output=True, text=True, timeout=240, check=True)
    rss, huge, rss_after, huge_after, collapsed, held = map(int, done.stdout.split())
    assert held == 400_000
    assert collapsed > 0
    assert huge_after >= huge + collapsed, done.stdout
    # Stacks of 40 threads would be 80 MiB.
    assert rss_after <= rss + 12, done.stdout


@given(st.integers(0, 1 << 40), st.integers(0, 64 << 20))
def test_only_whole_huge_pages_within_a_mapping_are_asked_for(page: int, length: int) -> None:
    start, end = page << 12, (page << 12) + (length >> 12 << 12)
    line = f"{start:x}-{end:x} rw-p 00000000 00:00 0"
    for at, size in pages._private(line):
        assert start <= at < at + size <= end
        assert (at % pages.SIZE, size % pages.SIZE) == (0, 0)
        assert max(at - start, end - at - size) < pages.SIZE


def test_files_stacks_and_what_is_shared_or_cannot_be_written_are_left_alone() -> None:
    whole = f"{2 * pages.SIZE:x}-{4 * pages.SIZE:x}"
    for rest in (
        "rw-p 00000000 08:01 77 /lib/x.so",
        "rw-s 00000000 00:00 0",
        "r--p 00000000 00:00 0",
        "rw-p 00000000 00:00 0 [stack]",
    ):
        assert list(pages._private(f"{whole} {rest}")) == []
    for rest in ("rw-p 00000000 00:00 0", "rw-p 00000000 00:00 0    [heap]"):
        assert list(pages._private(f"{whole} {rest}")) == [(2 * pages.SIZE, 2 * pages.SIZE)]
    guard = f"{2 * pages.SIZE - 4096:x}-{2 * pages.SIZE:x} ---p 00000000 00:00 0"
    after = f"{4 * pages.SIZE:x}-{5 * pages.SIZE:x} rw-p 00000000 00:00 0"
    stack = f"{whole} rw-p 00000000 00:00 0"
    assert list(pages._private("\n".join((guard, stack, after)))) == [(4 * pages.SIZE, pages.SIZE)]
