"""Break everything, one thing at a time, while videos are indexed and searched; then count what is left.

    python -m tests.chaos [--videos 30] [--faults N] [--json FILE]        or: make chaos

Everything runs on loopback, and ends by itself. The exit status is 0 when nothing was lost, doubled, orphaned, said to
be READY without being it, or shown to the wrong tenant.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli.machine.programs import STAGES
from tests.chaos.faults import World, faults
from tests.chaos.load import Searcher, Uploader, films
from tests.e2e.index import rows
from tests.servers import s3
from tests.servers.platform import Platform, serving
from tests.servers.relay import relaying

SETTINGS = {
    "VIDX_DECODING_SEGMENT_S": "3",
    "VIDX_PIPELINE_SILENCE_S": "8",
    # Faults come every few seconds: what a part's absence costs must not add up to a video's failure.
    "VIDX_PIPELINE_MAX_TRIES": "40",
    "VIDX_PIPELINE_SPARE_TRIES": "40",
    "VIDX_PIPELINE_MAX_CRASHES": "40",
}
SETTLE_S = 600.0
BETWEEN_S = 2.0
SAME = ("video", "kind", "track", "start", "end", "frame_time", "text")
"""Rows that agree in these say the same."""
FALSE = ("ROWS_WRONG", "NOT_READY", "ARTIFACTS_LOST", "SOURCE_LOST", "SOURCE_CHANGED")
ORPHANS = ("OBJECTS_WITHOUT_VIDEO", "OBJECTS_WITHOUT_USE", "ROWS_WITHOUT_VIDEO", "UPLOAD_WITHOUT_ENTRY")
"""What the doctor calls them."""
ENDED = (pb.Video.READY, pb.Video.FAILED)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A platform on an S3 server behind a relay."""
    with ExitStack() as stack:
        before = set(psutil.Process().children())
        server = stack.enter_context(s3.serving(folder / "s3"))
        processes = [child for child in psutil.Process().children() if child not in before]
        host, port = server.endpoint.split(":")
        relay = stack.enter_context(relaying(host, int(port)))
        extra = server.environment("vidx") | SETTINGS
        workers = [f"--workers={stage}=2" for stage in STAGES[:2]]
        store = f"s3://127.0.0.1:{relay.port}/vidx"
        platform = stack.enter_context(serving(folder / "home", "--store", store, *workers, extra=extra))
        yield World(platform, relay, processes)
        stack.callback(lambda: [process.kill() for process in processes])


def settled(uploader: Uploader) -> dict[str, pb.Video]:
    """All videos, once each has ended, or after the bound."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        found = uploader.videos()
        if all(video.state in ENDED for video in found.values()) or time.monotonic() > deadline:
            return found
        time.sleep(1)


def diagnosed(platform: Platform) -> Counter[str]:
    """What `vidx doctor` names, by problem; it may have to wait until what was removed is swept."""
    told = [json.loads(line) for line in platform.vidx("doctor", "--deep", "--json").stdout.splitlines()]
    assert told, "the doctor said nothing"
    for line in told:
        if "finding" in line:
            print("doctor:", line["finding"], file=sys.stderr)
    return Counter(line["finding"]["problem"] for line in told if "finding" in line)


def doubled(platform: Platform, collections: tuple[str, ...]) -> int:
    """Rows that say the same as another one."""
    found = 0
    for collection in collections:
        held = Counter(tuple(str(row.get(field)) for field in SAME) for row in rows(platform, collection))
        found += sum(count - 1 for count in held.values())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=30, help="under way from the start (30)")
    parser.add_argument("--faults", type=int, default=0, help="only every so manyth fault (all)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    chosen = list(faults())[:: options.faults or 1]
    table = Table("fault", "under way", "answered before", "searches answered", "searches refused")
    with tempfile.TemporaryDirectory(prefix="vidx-chaos-") as scratch, world(Path(scratch)) as of:
        made = films(Path(scratch), options.videos + len(chosen))
        uploader = Uploader(of.platform.address)
        uploader.collections()
        searcher = Searcher(of.platform.address, uploader)
        searcher.start()
        for number in range(options.videos):
            uploader.add(made[number], number)
        for number, fault in enumerate(chosen):
            before, videos = Counter(searcher.outcomes), uploader.videos()
            under_way = sum(video.state not in ENDED for video in videos.values())
            print(f"{fault.name}: {under_way} of {len(videos)} under way", file=sys.stderr, flush=True)
            fault.strike(of)
            # One comes and, every third time, one goes, so that there is always work.
            uploader.add(made[options.videos + number], options.videos + number)
            if number % 3 == 0:
                uploader.remove(uploader.accepted[0])
            time.sleep(BETWEEN_S)
            after = searcher.outcomes - before
            refused = sum(after.values()) - after["answered"]
            table.add_row(fault.name, str(under_way), str(before["answered"]), str(after["answered"]), str(refused))
        videos = settled(uploader)
        searcher.stop()
        problems = diagnosed(of.platform)
        states = Counter(pb.Video.State.Name(video.state) for video in videos.values())
        causes = [
            f"{v.name}: {v.error.reason}: {v.error.message}" for v in videos.values() if v.state == pb.Video.FAILED
        ]
        figures = {
            "faults injected": len(chosen),
            "videos accepted": len(uploader.accepted) + len(uploader.removed),
            "READY": states["READY"],
            "FAILED with a cause": len(causes),
            "videos lost": len(set(uploader.accepted) - set(videos)),
            "videos without an end": sum(video.state not in ENDED for video in videos.values()),
            "videos that came back": len(set(uploader.removed) & set(videos)),
            "false READY": sum(problems[p] for p in FALSE),
            "double rows": doubled(of.platform, ("one", "two")),
            "orphans": sum(problems[p] for p in ORPHANS),
            "wrong moments": len(searcher.wrong),
            "searches answered": searcher.outcomes["answered"],
            "searches refused": sum(searcher.outcomes.values()) - searcher.outcomes["answered"],
        }
    Console(width=120).print(table)
    for what, count in figures.items():
        print(f"{what:24} {count}")
    for cause in causes:
        print(cause)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=2))
    bad = ("videos lost", "videos without an end", "videos that came back", "false READY", "double rows", "orphans")
    return 1 if any(figures[what] for what in (*bad, "wrong moments")) else 0


if __name__ == "__main__":
    sys.exit(main())
