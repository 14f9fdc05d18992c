"""Every part of the benchmark, one after another, each in a process of its own; one table, one JSON and a picture.

    python -m tests.bench [--parts NAME...] [--out .bench] [--speech FILE...]        or: make bench

The parts take 12 to 20 minutes together on two cores that have nothing else to do. A part that fails is named at the
end, and the others go on.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.plot import Line, Panel, draw
from tests.bench.report import Figure, about, load, table

BOUND_S = 900.0
"""After this a part is stopped."""
_SAID = re.compile(r"^(\S.*?)\s+([\d.]+) s$")
Read = Callable[[Path, str], list[Figure]]


@dataclass(frozen=True)
class Part:
    """A module with its arguments, what it does in short, and how its figures are read from its file and its words."""

    name: str
    arguments: Sequence[str]
    what: str
    read: Read

    @property
    def module(self) -> str:
        return f"tests.bench.{self.name}"


def filed(file: Path, said: str) -> list[Figure]:
    """The figures that a part has written."""
    return load(file)


def spoken(part: str, at: str) -> Read:
    """The seconds that a part prints line by line."""

    def read(file: Path, said: str) -> list[Figure]:
        found = [match for line in said.splitlines() if (match := _SAID.match(line))]
        return [Figure(part, f"{m[1]} of {at}, one core", float(m[2]), "s") for m in found if not line_of_skim(m[1])]

    return read


def line_of_skim(what: str) -> bool:
    """Lengths, not costs."""
    return what.startswith(("skim ", "equal", "beginning"))


def through_triton(file: Path, said: str) -> list[Figure]:
    """A line of JSON a batch size."""
    found = []
    for line in said.splitlines():
        if line.startswith("{"):
            one = json.loads(line)
            label = f"a batch of {one['batch']} through Triton, beside the session in-process"
            found.append(Figure("Triton path", label, one["triton_ms"], "ms", ratio=one["ratio"]))
    return found


def searched(file: Path, said: str) -> list[Figure]:
    """Latencies by number of rows."""
    told = json.loads(file.read_text())
    if "figures" in told:
        return load(file)
    found = []
    for one in told["results"]:
        rows, ms = one["rows"], one["ms"]
        bare = ms["bare"]["p50"]
        large = 50_000 < rows < 500_000
        for name, times in ms.items():
            label = f"{rows} rows, {name}: p50 (p95 {times['p95']}, p99 {times['p99']})"
            target = 1.3 * bare + 5 if large and name == "fresh" else None
            found.append(Figure("search", label, times["p50"], "ms", target, most=True, ratio=times["p50"] / bare))
        if large:
            tail = ms["fresh"]["p99"] / ms["fresh"]["p50"]
            found.append(Figure("search", f"{rows} rows, fresh: p99 by p50", tail, "times", 3.0, most=True))
        found.append(Figure("search", f"{rows} rows: recall@10 against exact search", one["recall_at_10"], ""))
        for name, spent in one["processor_ms"]["fresh"].items():
            label = f"{rows} rows, fresh: processor time of a query in {name}"
            found.append(
                Figure("search", label, spent, "ms", ratio=spent / max(one["processor_ms"]["fresh"]["all"], 0.1))
            )
        for clients, speed in one["per_s"].items():
            found.append(Figure("search", f"{rows} rows: queries a second of {clients} clients", speed["fresh"], "/s"))
        beside = [b["p50"] / q["p50"] for q, b in zip(one["quiet_ms"], one["indexing_ms"], strict=True)]
        label = f"{rows} rows: p50 while others are indexed, by p50 without"
        found.append(Figure("search", label, sum(beside) / len(beside), "times", 2.0, most=True))
    return found


PARTS = (
    Part("hops", (), "what a stage costs that does nothing", filed),
    Part("scaling", (), "one long video over 1, 2 and 4 nodes", filed),
    Part("decoding", ("--seconds", "20", "--rounds", "2"), "decoding and the visual path", filed),
    Part(
        "triton_path",
        ("--rounds", "6", "--batch", "1", "4", "16", "64"),
        "Triton beside the session in-process",
        through_triton,
    ),
    Part("reading", (), "on-screen text of a slide", filed),
    Part("pipeline", (), "the whole platform on a talk", filed),
    Part("workers", ("--minutes", "3", "--rounds", "1"), "two workers beside one", filed),
    Part("search", ("--rows", "1000", "10000", "100000", "--rounds", "40", "--seconds", "3"), "search", searched),
    Part("chapters", (), "chapters and summaries", spoken("chapters", "an hour of talk")),
    Part("highlights", (), "highlights and skims", spoken("highlights", "an hour of film")),
)
WITHOUT_JSON = ("triton_path", "chapters", "highlights")


def run(part: Part, out: Path, more: Sequence[str]) -> tuple[list[Figure], str]:
    """A part's figures, and what went wrong."""
    file, log = out / f"{part.name}.json", out / f"{part.name}.log"
    file.unlink(missing_ok=True)
    told = [] if part.name in WITHOUT_JSON else ["--json", str(file)]
    command = [sys.executable, "-m", part.module, *part.arguments, *more, *told]
    with log.open("w") as errors:
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=BOUND_S)
        except subprocess.TimeoutExpired:
            return [], f"took longer than {BOUND_S:.0f} s; see {log}"
        errors.write(done.stdout)
    if done.returncode:
        return [], f"exit {done.returncode}; see {log}"
    try:
        return part.read(file, done.stdout), ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [], f"its figures cannot be read: {error!r}; see {log}"


def panels(out: Path) -> list[Panel]:
    """What grows with the minutes of a film, and with the rows of an index."""
    found = []
    talks = _raw(out / "pipeline.json").get("talks", {})
    if len(talks) > 1:
        by_minutes = {int(minutes): talk for minutes, talk in talks.items()}
        longest = by_minutes[max(by_minutes)]["processor_s"]
        lines = [Line("READY, wall", [(m, talk["ready_s"]) for m, talk in by_minutes.items()])]
        for name in sorted(longest, key=lambda n: -longest[n])[:5]:
            spent = [(m, talk["processor_s"].get(name, 0.0)) for m, talk in by_minutes.items()]
            if all(seconds > 0 for _, seconds in spent):
                lines.append(Line(f"processor time of {name}", spent))
        found.append(Panel("A talk: seconds over its minutes", "minutes of film", "seconds", lines))
    sizes = _all(out / "search.json").get("results", []) or _raw(out / "search.json").get("results", [])
    if len(sizes) > 1:
        lines = [
            Line(f"{name}, p50", [(one["rows"], one["ms"][name]["p50"]) for one in sizes])
            for name in sizes[0]["ms"]
            if all(name in one["ms"] for one in sizes)
        ]
        found.append(Panel("A query: milliseconds over the rows", "rows of the index", "milliseconds", lines))
    return found


def _all(file: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return told


def _raw(file: Path) -> dict[str, Any]:
    raw: dict[str, Any] = _all(file).get("raw", {})
    return raw


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=[part.name for part in PARTS], metavar="NAME",
                        help=f"of {', '.join(part.name for part in PARTS)}; all")  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path(".bench"))
    parser.add_argument("--speech", type=Path, nargs="*", default=[], help="sound files for the talk, not a made voice")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    machine, began = about(), time.monotonic()
    figures: list[Figure] = []
    took, failed = {}, {}
    for part in PARTS:
        if args.parts and part.name not in args.parts:
            continue
        print(f"{part.name}: {part.what}", file=sys.stderr, flush=True)
        since = time.monotonic()
        more = ["--speech", *map(str, args.speech)] if args.speech and part.name == "pipeline" else []
        found, wrong = run(part, args.out, more)
        figures += found
        took[part.name] = round(time.monotonic() - since, 1)
        if wrong:
            failed[part.name] = wrong
    drawn = panels(args.out)
    if drawn:
        draw(drawn, args.out / "growth.png")
    whole = {"about": machine, "took_s": took, "failed": failed, "figures": [vars(f) | {"met": f.met} for f in figures]}
    whole["parts"] = {name: _all(args.out / f"{name}.json") for name in took}
    (args.out / "bench.json").write_text(json.dumps(whole, indent=1) + "\n")
    print(table(figures))
    print(", ".join(f"{key} {value}" for key, value in machine.items() if key != "versions"))
    print(", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    print(f"{time.monotonic() - began:.0f} s; all of it in {args.out / 'bench.json'}")
    for name, wrong in failed.items():
        print(f"{name} FAILED: {wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
