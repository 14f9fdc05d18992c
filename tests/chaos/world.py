"""What the faults strike: a platform whose ways to S3, Redis and Milvus are relays, on disks and a clock of its own."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.cli.home import Home
from services.cli.machine import launch
from services.cli.machine.programs import STAGES
from tests.chaos import mounts
from tests.chaos.clock import Clock
from tests.chaos.load import Uploader
from tests.servers import s3
from tests.servers.platform import Platform, with_ports
from tests.servers.relay import Relay, relaying

SERVICES = (*STAGES, "pipeline", "gateway")
PARTS = ("redis", "milvus", "triton")
BUCKET = "vidx"
DISK_MIB = 512
SETTINGS = {
    "VIDX_DECODING_SEGMENT_S": "3",
    "VIDX_PIPELINE_SILENCE_S": "8",
    # Faults come every few seconds: what a part's absence costs must not add up to a video's failure.
    "VIDX_PIPELINE_MAX_TRIES": "40",
    "VIDX_PIPELINE_SPARE_TRIES": "40",
    "VIDX_PIPELINE_MAX_CRASHES": "40",
}


@dataclass
class World:
    """A platform that runs, and all that can be done to it. A part that this machine can't give is None."""

    platform: Platform
    options: tuple[str, ...]
    server: s3.S3
    ways: dict[str, Relay]
    """To S3, Redis and Milvus."""
    disks: dict[str, Path]
    """The small file systems of the platform and of the S3 server, by these names."""
    clock: Clock | None
    """Of the platform's services, Redis and Milvus."""
    uploader: Uploader

    def pids(self, *names: str) -> list[int]:
        """Processes of services or parts, with their children."""
        found = []
        for program, process in self.platform.processes().items():
            if program.split("-")[0] in names and process.pid:
                with suppress(psutil.NoSuchProcess):
                    found += [process.pid, *(p.pid for p in psutil.Process(process.pid).children(recursive=True))]
        return found

    def storage(self) -> list[int]:
        """Processes of the S3 server."""
        return [child.pid for child in psutil.Process().children() if "swift-" in " ".join(child.cmdline())]

    def up(self) -> None:
        """Start the platform, lead its services over the relays, and give all but Triton the clock that can be told."""
        self.platform.up(*self.options)
        home = Home(self.platform.home)
        ports = home.state().ports
        moved = {
            "VIDX_QUEUE_URL": (f":{ports['redis']}/", f":{self.ways['Redis'].port}/"),
            "VIDX_SEARCH_MILVUS_URI": (f":{ports['milvus']}", f":{self.ways['Milvus'].port}"),
        }
        file = home.run / launch.FILE
        programs = json.loads(file.read_text())
        for name, program in programs.items():
            for told in moved.keys() & program["env"].keys():
                program["env"][told] = program["env"][told].replace(*moved[told])
            # Triton locks with deadlines by the machine's own clock.
            program["env"] |= self.clock.environment if self.clock and name != "triton" else {}
        file.write_text(json.dumps(programs))
        # They start again by what the file says.
        for pid in self.pids(*SERVICES, "redis", "milvus"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def world(folder: Path, faketime: Path | None) -> Iterator[World]:
    """A platform on an S3 server. `faketime` is the library that gives processes another clock."""
    with ExitStack() as stack:
        places = {"platform": folder / "platform", "S3 server": folder / "s3"}
        disks = {name: place for name, place in places.items() if stack.enter_context(mounts.small(place, DISK_MIB))}
        # With the platform's clock an hour behind, the server must still take what it signs.
        server = stack.enter_context(s3.serving(places["S3 server"], skew_s=7200))
        home = with_ports(places["platform"] / "home")
        ports = home.state().ports
        targets = {
            "S3": int(server.endpoint.split(":")[1]),
            "Redis": ports["redis"],
            "Milvus": ports["milvus"],
        }
        ways = {name: stack.enter_context(relaying("127.0.0.1", port)) for name, port in targets.items()}
        extra = server.environment(BUCKET) | SETTINGS
        clock = Clock(faketime, folder / "clock") if faketime else None
        options = (f"--store=s3://127.0.0.1:{ways['S3'].port}/{BUCKET}", *(f"--workers={s}=2" for s in STAGES[:2]))
        platform = Platform(home.root, extra)
        stack.callback(platform.down)
        found = World(platform, options, server, ways, disks, clock, Uploader(f"127.0.0.1:{ports['gateway']}"))
        found.up()
        yield found
