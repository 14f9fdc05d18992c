"""The media reader in a sandbox: PyAV in child processes, within limits and time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.core.jobs import Progress
from services.core.media import Plan, Probe
from services.core.times import TimeRange, to_seconds
from services.decoding import pyav
from services.decoding.domain.cutting import Part
from services.decoding.ports import Inspection, Limits, Sampling, SegmentFiles
from services.runtime.sandbox import Sandbox

PARTS = 1000


@dataclass(frozen=True)
class Timeouts:
    """How long a child process may take."""

    base_s: float = 60.0
    factor: float = 8.0
    """Seconds more a second of video that is decoded."""
    part_s: float = 1.0
    """Seconds more a part that is cut out."""
    bytes_a_second: int = 5 << 20
    """A file that is read through may take a second more for these."""


class SandboxedReader:
    """Implements `ports.MediaReader`. `work` is for segments, `ask` for what somebody waits for, `cut` for films.

    `ask` cuts as well when there is no `cut`; a film has at most `cut_bytes`.
    """

    def __init__(
        self,
        work: Sandbox,
        ask: Sandbox,
        limits: Limits,
        sampling: Sampling,
        timeouts: Timeouts,
        cut: Sandbox | None = None,
        cut_bytes: int = 4 << 30,
    ) -> None:
        self._work = work
        self._ask = ask
        self._cut = cut or ask
        self._cut_bytes = cut_bytes
        self._limits = limits
        self._sampling = sampling
        self._timeouts = timeouts

    def probe(self, path: Path) -> Probe:
        return self._ask.run(pyav.probe, path, self._limits, timeout_s=self._reading(path), reads=[path])

    def inspect(self, path: Path, folder: Path) -> Inspection:
        return self._work.run(
            pyav.inspect_file, path, self._limits, folder, timeout_s=self._reading(path), reads=[path], writes=[folder]
        )

    def segment(self, path: Path, plan: Plan, range_: TimeRange, folder: Path, progress: Progress) -> SegmentFiles:
        return self._work.run(
            pyav.segment,
            path,
            self._limits,
            self._sampling,
            range_,
            bool(plan.probe.audio),
            folder,
            timeout_s=self._timeouts.base_s + self._timeouts.factor * to_seconds(range_.duration),
            reads=[path],
            writes=[folder],
            tick=_follow(folder / "progress", progress),
        )

    def frame(self, path: Path, time: int, max_height: int) -> tuple[bytes, int]:
        return self._ask.run(
            pyav.frame, path, self._limits, time, max_height, timeout_s=self._timeouts.base_s, reads=[path]
        )

    def cut(self, path: Path, parts: Sequence[Part], max_height: int, target: Path, progress: Progress) -> None:
        length = self._timeouts.factor * to_seconds(parts[-1].end) + self._timeouts.part_s * len(parts)
        self._cut.run(
            pyav.cut,
            path,
            self._limits,
            parts,
            max_height,
            self._cut_bytes,
            target,
            timeout_s=self._reading(path) + length,
            reads=[path],
            writes=[target.parent],
            tick=lambda: progress(0, 1),
        )

    def _reading(self, path: Path) -> float:
        return self._timeouts.base_s + path.stat().st_size / self._timeouts.bytes_a_second


def _follow(file: Path, progress: Progress) -> Callable[[], None]:
    """Passes on what the child wrote of its progress."""

    def tick() -> None:
        try:
            share = int(file.read_text() or 0)
        except (OSError, ValueError):
            share = 0
        progress(share * PARTS // 1_000_000, PARTS)

    return tick
