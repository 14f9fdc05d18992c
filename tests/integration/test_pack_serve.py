"""A supervised Triton whose processes die: it answers again, and nothing of it is left."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from services.cli.home import Home
from services.cli.machine import platform, programs
from services.cli.machine.supervisor import Control
from services.core.errors import VidxError
from services.packs import manifest as manifests
from services.packs import tritonserver
from services.runtime.triton import Triton, TritonSettings
from tests.servers.platform import with_ports
from tests.servers.processes import ended
from tests.servers.triton import built_pack

STUB = "triton_python_backend_stub"
SERVER = "tritonserver"
AGAIN_WITHIN_S = 240.0

# The first test may build the pack, which takes minutes on a machine that is busy with other things.
pytestmark = pytest.mark.timeout(900)


class Machine:
    """A home in which only the model server runs."""

    def __init__(self, home: Home, pack: Path) -> None:
        self.home = home
        self.manifest = manifests.load(pack)
        platform.up(home, lambda ports: [programs._triton(home, ports, pack)], AGAIN_WITHIN_S, print)
        self.triton = Triton(TritonSettings(address=f"127.0.0.1:{home.state().ports['triton']}", attempts=1))

    def answers(self) -> bool:
        visual, text = self.manifest.visual_encoder, self.manifest.text_encoder
        ids = np.ones((1, 4), np.int64)
        picture = np.zeros((1, visual.height, visual.width, 3), np.uint8)
        try:
            self.triton.infer(visual.model, {visual.input: picture}, timeout_s=5)
            self.triton.infer(text.model, {text.ids: ids, text.mask: ids}, timeout_s=5)
        except VidxError:
            return False
        return True

    def watcher(self) -> psutil.Process:
        running = self.home.state().running
        assert running is not None
        return psutil.Process(next(p.pid for p in Control(running).processes() if p.name == "triton"))

    def family(self, name: str) -> list[psutil.Process]:
        return [p for p in self.watcher().children(recursive=True) if p.name().startswith(name[:15])]

    def regions(self) -> list[Path]:
        return list(Path("/dev/shm").glob(f"{tritonserver.region(self.home.run / programs.TRITON)}*"))


@pytest.fixture
def machine(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    home = with_ports(tmp_path / "home")
    found = Machine(home, built_pack(tmp_path_factory.mktemp("models")))
    yield found
    found.triton.close()
    platform.down(home, print)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + AGAIN_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def everything(machine: Machine) -> list[psutil.Process]:
    watcher = machine.watcher()
    return [watcher, *watcher.children(recursive=True)]


@pytest.mark.parametrize("victim", [STUB, SERVER, "watcher"])
def test_after_a_death_every_model_answers_again_and_nothing_old_is_left(machine: Machine, victim: str) -> None:
    until(machine.answers)
    old, regions = everything(machine), machine.regions()
    dying = machine.watcher() if victim == "watcher" else machine.family(victim)[0]
    dying.kill()
    until(lambda: all(ended(process) for process in old))
    until(machine.answers)
    until(lambda: len(everything(machine)) == len(old))
    assert not set(machine.regions()) & set(regions)


def test_asked_to_stop_it_leaves_nothing(machine: Machine) -> None:
    old = everything(machine)
    assert machine.regions()
    platform.down(machine.home, print)
    assert all(ended(process) for process in old)
    assert not machine.regions()


def test_a_model_that_hangs_when_asked_to_stop_is_ended(machine: Machine) -> None:
    old = everything(machine)
    os.kill(machine.family(STUB)[0].pid, signal.SIGSTOP)
    machine.watcher().terminate()
    until(lambda: all(ended(process) for process in old))
    until(machine.answers)


def test_a_busy_model_is_left_alone(machine: Machine) -> None:
    """More pictures under way than a probe's deadline allows for; none is lost."""
    visual = machine.manifest.visual_encoder
    old = {process.pid for process in everything(machine)}
    pictures = np.zeros((64, visual.height, visual.width, 3), np.uint8)
    began = time.monotonic()
    while time.monotonic() - began < 10:
        machine.triton.infer(visual.model, {visual.input: pictures}, timeout_s=60)
    assert {process.pid for process in everything(machine)} == old
