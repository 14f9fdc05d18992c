"""The whole platform on a talk: real time, the share of each step, and what the processes take, idle and at work.

    python -m tests.bench.pipeline [--minutes 1 5] [--speech FILE...] [--json FILE]

A platform of its own, as `vidx up` starts it. It is left idle for a while; then come clips of 10 s, of which the first
warms it up, and talks of several lengths: 720p at 25 frames a second, slides with a photograph now and then, and a
voice without subtitles. A talk repeats a minute that is made once. The voice is made too (`voice`) and says nothing; it
speaks about half of the time, and a recognizer works about as hard on it as on a talk. `--speech` takes sound files of
real speech instead, over and over until the talk is full.
"""

import argparse
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from services.catalog.database import Database
from services.catalog.models import Job
from services.catalog.settings import CatalogSettings
from services.core.names import VideoName
from services.pipeline import ledger, workflow
from tests.bench.report import Figure, exponent, save, short, table
from tests.bench.talk_films import clip_film, talk_film
from tests.servers.platform import Platform, serving

PART = "whole pipeline"
TALK = 8.0
"""Times real time that are wanted of a talk."""
CLIP_READY_S = 3.0
READY = "a clip of 10 s on an idle platform, upload to READY"
IDLE_S = 30.0
LEAST_SHARE = 0.01
"""Of the worker time; steps below are not shown one by one."""


def processor_s(platform: Platform) -> Counter[str]:
    """Processor seconds of each service and part since it began, with its children's."""
    found: Counter[str] = Counter()
    for name, row in platform.services().items():
        for process in _family(row["pid"]):
            times = process.cpu_times()
            found[name] += times.user + times.system + times.children_user + times.children_system
    return found


def memory(platform: Platform, field: str) -> dict[str, int]:
    """Bytes of each service and part with its children: VmRSS now, or VmHWM at its peak."""
    return {
        name: sum(_memory(process.pid, field) for process in _family(row["pid"]))
        for name, row in platform.services().items()
    }


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _memory(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":")), 0)


def indexed(platform: Platform, file: Path) -> dict[str, Any]:
    video = platform.messages("index", str(file), "--wait")[-1]
    assert video["state"] == "READY", video
    return video


def ready_s(video: Mapping[str, Any]) -> float:
    """Seconds from the end of the upload to READY."""
    made, ready = (datetime.fromisoformat(video[key]) for key in ("createTime", "readyTime"))
    return (ready - made).total_seconds()


def jobs_of(platform: Platform, video: str) -> list[Job]:
    database = Database(CatalogSettings(url=SecretStr(f"sqlite:///{platform.home}/catalog.db")))
    try:
        with database.read() as session:
            row = ledger.find(session, VideoName.parse(video))
            assert row is not None
            return list(ledger.jobs_of(session, row))
    finally:
        database.close()


def longest_way(jobs: Sequence[Job]) -> dict[str, float]:
    """Seconds by step along the chain of jobs that READY waited for, and on the way between them.

    From the last job back, each time to the input that came last.
    """
    by_step = defaultdict(list)
    for job in jobs:
        by_step[job.step].append(job)
    giver = {kind: step.name for step in workflow.STEPS for kind in (*step.gives, *step.optional)}
    spent: dict[str, float] = defaultdict(float)
    job = max(jobs, key=lambda j: j.ended)
    while True:
        spent[job.step] += (job.ended - job.started) / 1e9
        takes = workflow.BY_NAME[job.step].takes
        before = [b for kind in takes if kind in giver for b in by_step[giver[kind]] if b.ended <= job.started]
        # A worker that is busy with another job holds a job up as much as an input that is late.
        before += [b for b in jobs if b.queue == job.queue and job.sent < b.ended <= job.started]
        if not before:
            return dict(spent)
        last = max(before, key=lambda b: b.ended)
        spent["queues and states"] += (job.started - last.ended) / 1e9
        job = last


def steps(jobs: Sequence[Job]) -> dict[str, float]:
    """Seconds of worker time by step."""
    spent: dict[str, float] = defaultdict(float)
    for job in jobs:
        spent[job.step] += job.busy / 1e9
    return dict(spent)


def whole(platform: Platform, file: Path, what: str, target: float | None) -> tuple[list[Figure], dict[str, Any]]:
    """Index a film; its speed and where the time went."""
    before = processor_s(platform)
    video = indexed(platform, file)
    used = processor_s(platform) - before
    seconds, took = float(video["duration"][:-1]), ready_s(video)
    jobs = jobs_of(platform, video["name"])
    busy_s, way = steps(jobs), longest_way(jobs)
    held = max(way, key=lambda step: way[step])
    figures = [Figure(PART, f"{what}, upload to READY", seconds / took, "x real time", target)]
    total = sum(busy_s.values())
    for step, spent in sorted(busy_s.items(), key=lambda s: -s[1]):
        if spent >= LEAST_SHARE * total:
            share = way.get(step, 0) / took
            label = f"  {step}: worker time ({spent / total:.0%} of all; {share:.0%} of the way to READY)"
            figures.append(Figure(PART, label, spent, "s"))
    cores = sum(used.values()) / took
    figures.append(Figure(PART, "  processor time, all processes", sum(used.values()), f"s ({cores:.1f} cores busy)"))
    print(f"{what}: held back by {held}, {way[held]:.1f} of {took:.1f} s")
    return figures, {
        "seconds": seconds,
        "ready_s": took,
        "held_back_by": held,
        "worker_s": busy_s,
        "way_to_ready_s": way,
        "processor_s": dict(used.most_common()),
        "rows": int(video.get("rowCount", 0)),
    }


def idle(platform: Platform, seconds: float) -> tuple[list[Figure], dict[str, Any]]:
    rest = memory(platform, "VmRSS")
    before = processor_s(platform)
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    used = {name: 100 * spent / took for name, spent in (processor_s(platform) - before).items()}
    largest = ", ".join(f"{name} {size >> 20}" for name, size in Counter(rest).most_common(3))
    label = f"idle: memory of all processes (most: {largest})"
    figures = [Figure(PART, label, sum(rest.values()) / 2**20, "MiB")]
    most = max(used, key=lambda name: used[name], default="none")
    label = f"idle: processor, all processes (most: {most}, {short(used.get(most, 0))})"
    figures.append(Figure(PART, label, sum(used.values()), "% of a core"))
    return figures, {"memory_bytes": rest, "processor_percent": used}


def grown(talks: Mapping[int, Mapping[str, Any]]) -> list[Figure]:
    """The powers of the minutes of talk that time and work grow with."""
    minutes = sorted(talks)
    found = []
    for what, read in (
        ("seconds to READY", lambda talk: talk["ready_s"]),
        ("processor seconds", lambda talk: sum(talk["processor_s"].values())),
    ):
        power = exponent(minutes, [read(talks[m]) for m in minutes])
        lengths = ", ".join(map(str, minutes))
        found.append(Figure(PART, f"{what} grow with the minutes ({lengths}) to the power", power, "", 1.05, most=True))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 5], help="of the talks")
    parser.add_argument("--speech", type=Path, nargs="*", default=[])
    parser.add_argument("--idle", type=float, default=IDLE_S, help="seconds")
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    raw: dict[str, Any] = {"speech": [file.name for file in args.speech] or "made voice", "talks": {}}
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="vidx-bench-") as scratch:
        folder = Path(scratch)
        clips = [clip_film(folder / f"clip-{n}.mp4", n) for n in range(args.clips)]
        talks = {m: talk_film(folder / f"talk-{m}.mp4", m, args.speech) for m in sorted(args.minutes)}
        with serving(folder / "home") as platform:
            if args.idle:
                more, raw["idle"] = idle(platform, args.idle)
                figures += more
            shown = [indexed(platform, clip) for clip in clips]
            ready = raw["clip_ready_s"] = [ready_s(video) for video in shown]
            raw["clip_way_s"] = longest_way(jobs_of(platform, shown[-1]["name"]))
            figures.append(Figure(PART, READY, statistics.median(ready[1:] or ready), "s", CLIP_READY_S, most=True))
            for minutes, file in talks.items():
                what = f"a talk of {minutes} min, {'speech' if args.speech else 'made voice'} and slides"
                more, raw["talks"][minutes] = whole(platform, file, what, TALK if minutes >= 5 else None)
                raw["talks"][minutes]["peak_bytes"] = memory(platform, "VmHWM")
                figures += more if minutes == max(talks) else more[:1]
            if len(talks) > 1:
                figures += grown(raw["talks"])
    print(table(figures))
    if args.json:
        save(args.json, figures, **raw)


if __name__ == "__main__":
    main()
