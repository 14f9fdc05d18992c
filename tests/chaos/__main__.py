"""Break everything, one thing at a time, while videos are indexed and searched; then count what is left.

    python -m tests.chaos [--videos 30] [--faults N] [--json FILE]        or: make chaos

After the faults, catalog and bucket are copied while they are in use, and everything is brought back from the copies.
Everything runs on loopback, and ends by itself. The exit status is 0 when nothing was lost, doubled, orphaned, said to
be READY without being it, shown to the wrong tenant, or found elsewhere after all was brought back.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table
from vidx.gateway.v1 import video_index_service_pb2 as pb

from tests.chaos import backup, clock, mounts, verdict
from tests.chaos.faults import Fault, faults
from tests.chaos.load import Searcher, films
from tests.chaos.world import World, world

LIMIT_S = 3600
BEGIN_S = 1.0
"""After a fault began, a video comes."""
BETWEEN_S = 2.0
REMOVE_EVERY = 3
COLUMNS = (
    "fault",
    "what was struck",
    "under way",
    "of these READY",
    "FAILED",
    "removed",
    "searches answered",
    "refused",
    "uploads refused",
)


class Struck:
    """A fault, and what came of the work that was under way when it struck."""

    def __init__(self, fault: Fault, under_way: set[str]) -> None:
        self.fault = fault
        self.under_way = under_way
        self.said = ""
        self.searches: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()

    def row(self, videos: dict[str, pb.Video]) -> list[str]:
        """A row of the table, once everything has ended."""
        states = Counter(videos[name].state for name in self.under_way & videos.keys())
        refused = self.searches.total() - self.searches["answered"]
        counts = (
            len(self.under_way), states[pb.Video.READY], states[pb.Video.FAILED], len(self.under_way - videos.keys()),
            self.searches["answered"], refused,
        )  # fmt: skip
        refusals = ", ".join(f"{count} {reason}" for reason, count in self.refusals.items())
        return [self.fault.name, self.said, *map(str, counts), refusals]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=30, help="under way from the start (30)")
    parser.add_argument("--faults", type=int, default=1, help="only every so manyth fault (all)")
    parser.add_argument("--only", default="", help="only faults with this in their name")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    chosen = [fault for fault in faults() if options.only in fault.name][:: options.faults]
    _bounded()
    if not mounts.separate():
        print("no file system can be mounted here: no disk will be filled", file=sys.stderr)
    programs = Path(os.environ.get("VIDX_TEST_SWIFT") or ".venv-swift/bin").absolute()
    with tempfile.TemporaryDirectory(prefix="vidx-chaos-") as scratch:
        folder = Path(scratch)
        made = films(folder, options.videos + len(chosen) + backup.VIDEOS)
        with world(folder, clock.library(programs)) as of:
            searcher = Searcher(of.uploader)
            of.uploader.collections()
            searcher.start()
            for number in range(options.videos):
                of.uploader.add(made[number], number)
            struck = []
            for number, fault in enumerate(chosen, options.videos):
                struck.append(_strike(of, fault, searcher, made[number], number))
                # One comes and, every third time, one goes, so that there is always work.
                if number % REMOVE_EVERY == 0:
                    of.uploader.remove(of.uploader.accepted[0])
            copies = backup.copied(of, folder, made[-backup.VIDEOS :])
            found = verdict.verdict(of.platform, of.uploader, searcher)
            searcher.stop()
            differing = backup.restored(of, copies)
    table = Table(*COLUMNS)
    for one in struck:
        table.add_row(*one.row(found.videos))
    Console(width=160).print(table)
    figures = {
        "faults injected": sum(not one.said.startswith("skipped") for one in struck),
        **found.figures,
        **differing,
    }
    for what, count in figures.items():
        print(f"{what:40} {count}")
    for cause in found.causes:
        print(cause)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=2))
    return 1 if any(figures[what] for what in (*verdict.BAD, *backup.BAD)) else 0


def _strike(of: World, fault: Fault, searcher: Searcher, film: Path, number: int) -> Struck:
    """One fault, while a video comes, and searches go on."""
    searches, refusals, videos = searcher.outcomes.copy(), of.uploader.refusals.copy(), of.uploader.videos()
    found = Struck(fault, {name for name, video in videos.items() if video.state not in verdict.ENDED})
    print(f"{fault.name}: {len(found.under_way)} of {len(videos)} under way", file=sys.stderr, flush=True)
    coming = threading.Timer(BEGIN_S, of.uploader.add, (film, number))
    coming.start()
    found.said = fault.strike(of)
    coming.join()
    time.sleep(BETWEEN_S)
    found.searches, found.refusals = searcher.outcomes - searches, of.uploader.refusals - refusals
    print(f"  {found.said} searches: {dict(found.searches)} uploads refused: {dict(found.refusals)}", file=sys.stderr)
    return found


def _bounded() -> None:
    """End in order when asked to, and when it takes too long."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(f"ended by {signal.Signals(number).name}")

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGALRM, end)
    signal.alarm(LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
