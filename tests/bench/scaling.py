"""One long video over 1, 2 and 4 nodes: the wall time beside that of a schedule that loses nothing.

    python -m tests.bench.scaling [--segments 24] [--json FILE]

A node is a worker process of each stage, with one job at a time, on a real queue and under the real pipeline. The
stages sleep, in about the proportions that they take of a talk, so that the machine's cores do not matter. The ideal
takes the same jobs by the same rules, each the moment that a node is free and its inputs are there. What is lost is the
platform's own.
"""

import argparse
import heapq
import tempfile
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.catalog.states import WHOLE_VIDEO, JobState
from services.pipeline import workflow
from tests.bench.report import Figure, save, spread, table
from tests.bench.simulated import WHOLE, Done, simulated

PART = "scaling"
NODES = (1, 2, 4)
WITHIN = 1.10
"""Of the ideal, for the most nodes."""
SECONDS = {
    "decoding.plan": 0.2,
    "decoding.segment": 1.0,
    "decoding.assemble": 0.1,
    "embedding.segment": 0.4,
    "embedding.assemble": 0.1,
    "transcription.subtitles": 0.05,
    "transcription.segment": 1.6,
    "transcription.assemble": 0.1,
    "captioning.text": 0.8,
    "captioning.describe": 0.1,
    "captioning.assemble": 0.1,
    "embedding.text": 0.2,
    "embedding.title": 0.05,
    "chaptering.chapter": 0.2,
    "chaptering.summarize": 0.2,
    "search.index": 0.3,
}


@dataclass
class Unit:
    """A job as the workflow's rules see it."""

    step: str
    segment: int
    state: str = JobState.WAITING
    artifacts: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    reason: str = ""


def ideal(nodes: int, segments: int, seconds: Mapping[str, float]) -> float:
    """Seconds of the schedule that starts each job, in the order of segments, as soon as it can be."""
    units = [Unit(*of) for of in (*workflow.first_units(), *workflow.segment_units(segments))]
    given = {kind: kind for kind in workflow.GIVEN}
    free = {stage: 1 if stage in WHOLE else nodes for stage in workflow.STAGES}
    waiting: dict[str, deque[Unit]] = defaultdict(deque)
    running: list[tuple[float, int, Unit]] = []
    now, number = 0.0, 0
    while True:
        for unit in sorted(workflow.due(units, given), key=lambda u: u.segment):
            unit.state = JobState.QUEUED
            waiting[workflow.BY_NAME[unit.step].stage].append(unit)
        for stage, queue in waiting.items():
            while queue and free[stage]:
                free[stage] -= 1
                number += 1
                unit = queue.popleft()
                heapq.heappush(running, (now + seconds.get(unit.step, 0), number, unit))
        if not running:
            break
        now, _, unit = heapq.heappop(running)
        step = workflow.BY_NAME[unit.step]
        free[step.stage] += 1
        unit.state = JobState.SUCCEEDED
        unit.artifacts = {kind: f"{kind}-{unit.segment}" for kind in (*step.gives, *step.optional)}
    assert all(unit.state == JobState.SUCCEEDED for unit in units)
    return now


def losses(jobs: list[Done], seconds: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Milliseconds that jobs lost: on the way to an idle worker, in it beyond their sleep, on the way back."""
    fed = [(d.began - d.sent) / 1e6 for d in jobs if d.segment == WHOLE_VIDEO]
    return {
        "sent -> idle worker has it": spread(fed),
        "work beyond its sleep": spread([(d.ended - d.began) / 1e6 - 1000 * seconds.get(d.step, 0) for d in jobs]),
        "worker done -> taken in": spread([(d.applied - d.ended) / 1e6 for d in jobs]),
    }


def idle_gaps(jobs: list[Done], nodes: int) -> dict[str, float]:
    """Milliseconds from a stage's free worker to its next job while some were waiting: the median, by stage."""
    found = {}
    for stage in workflow.STAGES:
        mine = sorted((d for d in jobs if d.step.split(".")[0] == stage), key=lambda d: d.began)
        gaps = []
        for i, job in enumerate(mine):
            # The worker that this job went to became free when all but nodes - 1 of those before had ended.
            ended = sorted(d.ended for d in mine[:i])
            if i >= nodes and job.sent < ended[i - nodes]:
                gaps.append((job.began - ended[i - nodes]) / 1e6)
        if gaps:
            found[stage] = spread(gaps)["p50"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=24)
    parser.add_argument("--nodes", type=int, nargs="+", default=list(NODES))
    parser.add_argument("--scale", type=float, default=1.0, help="of all sleeps")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    seconds = {step: args.scale * s for step, s in SECONDS.items()}
    figures, raw = [], {}
    first = 0.0
    for nodes in args.nodes:
        best = ideal(nodes, args.segments, seconds)
        with (
            tempfile.TemporaryDirectory(prefix="vidx-bench-") as scratch,
            simulated(Path(scratch), nodes, args.segments, seconds) as platform,
        ):
            wall, jobs = platform.index("film")
        first = first or wall
        lost, gaps = losses(jobs, seconds), idle_gaps(jobs, nodes)
        raw[str(nodes)] = {"wall_s": wall, "ideal_s": best, "lost_ms": lost, "free_worker_to_next_job_ms": gaps}
        figures.append(
            Figure(PART, f"{nodes} nodes, {args.segments} segments, sleeping stages", wall, "s", ratio=first / wall)
        )
        most = WITHIN if nodes == max(args.nodes) else None
        figures.append(
            Figure(PART, f"{nodes} nodes: wall by ideal ({best:.1f} s)", wall / best, "times", most, most=True)
        )
        print(f"{nodes} nodes: {wall:.2f} s, ideal {best:.2f} s")
        for what, s in lost.items():
            print(f"  {what}: p50 {s['p50']:.1f}, p90 {s['p90']:.1f} ms")
        print(f"  free worker -> next job, ms: { {k: round(v, 1) for k, v in gaps.items()} }", flush=True)
    print(table(figures))
    if args.json:
        save(args.json, figures, seconds=seconds, segments=args.segments, runs=raw)


if __name__ == "__main__":
    main()
