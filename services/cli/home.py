"""VIDX_HOME: where everything of the local platform lies, and what is known of the one that runs."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from services.core.errors import InvalidInput, Unavailable


@dataclass(frozen=True)
class Running:
    """A supervisor that was started: its process, told from a later one of the same id by its start time."""

    pid: int
    started: float
    socket: str


@dataclass(frozen=True)
class State:
    """What is kept between commands. The ports outlive a `down`, so that addresses stay the same."""

    ports: dict[str, int] = field(default_factory=dict)
    running: Running | None = None


@dataclass(frozen=True)
class Home:
    """The folder and what lies where in it."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def state_file(self) -> Path:
        return self.run / "state.json"

    def state(self) -> State:
        """What was saved last; an empty state when there is none or when it cannot be read."""
        try:
            raw = json.loads(self.state_file.read_text())
            running = raw.get("running")
            return State(dict(raw["ports"]), Running(**running) if running else None)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return State()

    def save(self, state: State) -> None:
        """Keep the state; a reader sees the old one or the new one, never a part."""
        self.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=self.run, delete=False) as file:
            json.dump(asdict(state), file, indent=1)
        os.replace(file.name, self.state_file)


def home() -> Home:
    """VIDX_HOME, or ~/.local/share/vidx."""
    named = os.environ.get("VIDX_HOME")
    root = Path(named).expanduser().absolute() if named else Path.home() / ".local/share/vidx"
    # The path becomes a part of addresses, such as those of the store and of the catalog.
    if not str(root).isprintable() or any(c in str(root) for c in "?#%"):
        raise InvalidInput(f"VIDX_HOME must hold no ? # %, nor what cannot be printed: {str(root)!r}")
    return Home(root)


def gateway_address() -> str:
    """host:port of VIDX_ADDRESS, or else of the platform that runs on this machine."""
    named = os.environ.get("VIDX_ADDRESS")
    if named:
        host, colon, port = named.rpartition(":")
        if not (host and colon and port.isdigit()):
            raise InvalidInput(f"VIDX_ADDRESS must be host:port, not {named!r}")
        return named
    where = home()
    state = where.state()
    if state.running is None or not _alive(state.running):
        raise Unavailable(
            f"no platform runs on this machine for {where.root}: start it with `vidx up`, or set VIDX_ADDRESS=host:port"
        )
    return f"127.0.0.1:{state.ports['gateway']}"


def api_key() -> str:
    """The key or token of VIDX_API_KEY, or of the file that VIDX_API_KEY_FILE names; empty when there is none.

    There is no option for it: a command line can be read by every user of the machine, and is kept in histories.
    """
    key, file = os.environ.get("VIDX_API_KEY", ""), os.environ.get("VIDX_API_KEY_FILE", "")
    if file and not key:
        key = Path(file).expanduser().read_text("utf-8", "replace")
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput("VIDX_API_KEY, or the file of VIDX_API_KEY_FILE, holds no key: it is one printable word")
    return key


def _alive(running: Running) -> bool:
    from services.cli.machine.processes import is_same

    return is_same(running.pid, running.started)
