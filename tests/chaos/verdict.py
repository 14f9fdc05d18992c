"""What is left at the end, and whether it is as it should be."""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass

from vidx.gateway.v1 import video_index_service_pb2 as pb

from tests.chaos.load import COLLECTIONS, Searcher, Uploader
from tests.e2e.index import rows
from tests.servers.platform import Platform

SETTLE_S = 900.0
SAME = ("video", "kind", "track", "start", "end", "frame_time", "text")
"""Rows that agree in these say the same."""
FALSE = ("ROWS_WRONG", "NOT_READY", "ARTIFACTS_LOST", "SOURCE_LOST", "SOURCE_CHANGED")
ORPHANS = ("OBJECTS_WITHOUT_VIDEO", "OBJECTS_WITHOUT_USE", "ROWS_WITHOUT_VIDEO", "UPLOAD_WITHOUT_ENTRY")
"""What the doctor calls them."""
ENDED = (pb.Video.READY, pb.Video.FAILED)
BAD = (
    "videos lost",
    "videos without an end",
    "videos that came back",
    "false READY",
    "double rows",
    "orphans",
    "wrong moments",
)
"""Figures that must be 0."""


@dataclass(frozen=True)
class Verdict:
    """All videos by name, figures by what they count, and why videos failed."""

    videos: dict[str, pb.Video]
    figures: dict[str, int]
    causes: list[str]


def settled(uploader: Uploader) -> dict[str, pb.Video]:
    """All videos, once each has ended, or after the bound."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        found = uploader.videos()
        if all(video.state in ENDED for video in found.values()) or time.monotonic() > deadline:
            return found
        time.sleep(1)


def verdict(platform: Platform, uploader: Uploader, searcher: Searcher) -> Verdict:
    """Wait until everything has ended, and count."""
    videos = settled(uploader)
    problems = diagnosed(platform, "--deep")
    held = [row | {"collection": collection} for collection in COLLECTIONS for row in rows(platform, collection)]
    counted = Counter(f"collections/{row['collection']}/videos/{row['video']}" for row in held)
    states = Counter(pb.Video.State.Name(video.state) for video in videos.values())
    short = [v.name for v in videos.values() if v.state == pb.Video.READY and counted[v.name] != v.row_count]
    failed = [video for video in videos.values() if video.state == pb.Video.FAILED]
    same = Counter((row["collection"], *(str(row.get(field)) for field in SAME)) for row in held)
    figures = {
        "videos accepted": len(uploader.accepted) + len(uploader.removed),
        "READY": states["READY"],
        "FAILED with a cause": sum(bool(video.error.reason) for video in failed),
        "videos lost": len(set(uploader.accepted) - set(videos)),
        "videos without an end": sum(video.state not in ENDED for video in videos.values()),
        "videos that came back": len(set(uploader.removed) & set(videos)),
        "false READY": sum(problems[problem] for problem in FALSE) + len(short),
        "double rows": sum(count - 1 for count in same.values()),
        "orphans": sum(problems[problem] for problem in ORPHANS),
        "wrong moments": len(searcher.wrong),
        "searches answered": searcher.outcomes["answered"],
        "searches refused": sum(searcher.outcomes.values()) - searcher.outcomes["answered"],
    }
    causes = [f"{video.name}: {video.error.reason}: {video.error.message}" for video in failed]
    return Verdict(videos, figures, [*causes, *(f"{name}: rows are not as counted" for name in short)])


def diagnosed(platform: Platform, *options: str) -> Counter[str]:
    """What `vidx doctor` names, by problem, as soon as all parts answer it."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        done = platform.vidx("doctor", "--json", *options)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        if told and "examined" in told[-1]:
            break
        assert time.monotonic() < deadline, f"the doctor did not come to an end: {done.stderr}"
        time.sleep(1)
    findings = [line["finding"] for line in told if "finding" in line]
    for finding in findings:
        print("doctor:", finding, file=sys.stderr)
    return Counter(finding["problem"] for finding in findings)
