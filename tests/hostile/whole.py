"""Hostile videos through a whole platform, as a user sends them."""

from collections.abc import Sequence
from pathlib import Path

from tests.hostile.trying import READY, Report
from tests.media.hostile import Case
from tests.servers.platform import Platform

COLLECTION = "hostile"


def sent(platform: Platform, folder: Path, cases: Sequence[Case]) -> tuple[Report, int]:
    """How each ended, and how many processes of the platform run no longer, or anew."""
    folder.mkdir(parents=True)
    known: dict[str, Case] = {}
    for number, case in enumerate(cases):
        path = folder / f"{number:04}-{case.name}"
        path.write_bytes(case.data)
        known[path.name] = case
    before = {name: process.pid for name, process in platform.processes().items()}
    # Some are refused at the door, so the exit status says nothing.
    platform.vidx("index", *(str(folder / name) for name in known), "--collection", COLLECTION, "--wait")
    report = Report()
    for video in platform.messages("list", "--collection", COLLECTION):
        case = known.pop(video["title"], None)
        if case is None:
            continue
        end = READY if video["state"] == "READY" else video.get("error", {}).get("reason", "")
        if video["state"] not in ("READY", "FAILED") or not end:
            report.faults.append((case, f"state {video['state']}, cause {end!r}"))
        report.ends.setdefault(end, []).append(case)
    if known:
        report.ends["not taken"] = list(known.values())
    after = {name: process.pid for name, process in platform.processes().items()}
    states = {row["state"] for row in platform.services().values()}
    dead = sum(after.get(name) != pid for name, pid in before.items()) + (states != {"RUNNING"})
    return report, dead
