"""`make hostile`: every file of the corpus at the stage that opens it, and a share of the videos through a platform."""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.hostile import trying
from tests.hostile.whole import sent
from tests.media import hostile
from tests.servers.platform import serving


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=hostile.ROUNDS, help="mutations of each good video (default: %(default)s)"
    )
    parser.add_argument(
        "--whole", type=int, default=60, help="videos that go through a whole platform (default: %(default)s)"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vidx-hostile-") as name:
        folder = Path(name)
        videos = list(hostile.files(folder / "good", asked.rounds))
        reports = {}
        with trying.decoding(folder) as attempt:
            reports["videos"] = trying.tried(videos, attempt)
        with trying.reading() as attempt:
            reports["subtitles"] = trying.tried(hostile.subtitles(4 * asked.rounds), attempt)
        with trying.outlining() as attempt:
            reports["chapters"] = trying.tried(hostile.subtitles(4 * asked.rounds), attempt)
        with trying.looking() as attempt:
            reports["pictures"] = trying.tried(hostile.images(4 * asked.rounds), attempt)
        dead = 0
        if asked.whole:
            chosen = videos[:: max(1, len(videos) // asked.whole)][: asked.whole]
            with serving(folder / "home") as platform:
                reports["whole platform"], dead = sent(platform, folder / "sent", chosen)
    _show(reports, dead)
    return 1 if dead or any(report.faults or report.hangs for report in reports.values()) else 0


def _show(reports: dict[str, trying.Report], dead: int) -> None:
    table = Table("", "tried", "ready", "failed, by cause", "hangs", "faults")
    for what, report in reports.items():
        counts: Sequence[tuple[str, int]] = Counter({k: len(v) for k, v in report.ends.items()}).most_common()
        causes = ", ".join(f"{cause} {count}" for cause, count in counts if cause != trying.READY)
        ready = len(report.ends.get(trying.READY, []))
        table.add_row(what, *map(str, (report.tried, ready, causes, len(report.hangs), len(report.faults))))
    console = Console(width=120)
    console.print(table)
    tried = sum(report.tried for report in reports.values())
    hangs = sum(len(report.hangs) for report in reports.values())
    console.print(f"hostile inputs tried {tried}, hangs {hangs}, dead platforms {dead}")
    for report in reports.values():
        for case in report.hangs:
            console.print(f"hang: {case}", markup=False)
        for case, fault in report.faults:
            console.print(f"fault: {case}: {fault}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
