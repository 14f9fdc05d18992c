"""Progress of several videos at a time: a bar each on a terminal, a line a change without one, or nothing."""

import sys
import threading
from typing import TYPE_CHECKING, Protocol

from services.cli.output import printable, say

if TYPE_CHECKING:
    from rich.progress import TaskID


class Board(Protocol):
    """Where progress is shown. All methods may be called from any thread."""

    def show(self, key: str, phase: str, fraction: float) -> None:
        """A video is at `fraction` of [0, 1]; `phase` says of what."""

    def done(self, key: str, text: str) -> None:
        """A video has come to its end."""

    def close(self) -> None:
        """Nothing more will come."""


class Silent:
    """Shows nothing."""

    def show(self, key: str, phase: str, fraction: float) -> None:
        pass

    def done(self, key: str, text: str) -> None:
        pass

    def close(self) -> None:
        pass


class Lines:
    """A line on standard output whenever what happens to a video changes; figures within the same work do not."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}
        self._lock = threading.Lock()

    def show(self, key: str, phase: str, fraction: float) -> None:
        # Compared without figures: "decoding 3/12, 40 s left" goes on from "decoding 2/12, 44 s left".
        kind = "".join(c for c in phase.split(" left")[0] if not c.isdigit() and c not in "/,")
        with self._lock:
            if self._last.get(key) != kind:
                self._last[key] = kind
                say(f"{printable(key)}: {printable(phase)}")

    def done(self, key: str, text: str) -> None:
        with self._lock:
            say(f"{printable(key)}: {printable(text)}")

    def close(self) -> None:
        pass


class Bars:
    """A bar a video on the terminal behind standard error; a finished video leaves one line."""

    def __init__(self, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._quiet = quiet
        self._progress = Progress(
            TextColumn("{task.fields[label]}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[phase]}", markup=False),
            console=Console(stderr=True),
            # What goes to standard output belongs to whoever reads it, not above the bars.
            redirect_stdout=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()
        self._progress.start()

    def show(self, key: str, phase: str, fraction: float) -> None:
        with self._lock:
            if key not in self._tasks:
                label = printable(key)
                label = label if len(label) <= 40 else f"{label[:18]}…{label[-21:]}"
                self._tasks[key] = self._progress.add_task("", total=1.0, label=label, phase=phase)
            self._progress.update(self._tasks[key], completed=fraction, phase=phase)

    def done(self, key: str, text: str) -> None:
        with self._lock:
            task = self._tasks.pop(key, None)
            if task is not None:
                self._progress.remove_task(task)
            if not self._quiet:
                self._progress.console.print(f"{printable(key)}: {printable(text)}", markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


def board(json: bool) -> Board:
    """Bars where somebody looks; with `json`, standard output is left alone."""
    if sys.stderr.isatty():
        return Bars(quiet=json)
    return Silent() if json else Lines()
