"""The peak memory of every worker is the same for a long video as for a short one."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.cli.machine.programs import STAGES
from tests.media.films import film
from tests.media.pictures import Picture, hold, pan
from tests.servers.platform import Platform, serving

RATE = 4
WORKERS = (*STAGES, "pipeline")


def talk(path: Path, minutes: int) -> Path:
    """A film with a cut every fifteen seconds, after which the picture moves for a moment and then rests."""

    def shot(seed: int) -> Iterator[Picture]:
        for picture in pan(seed % 40, 2 * RATE, 160, 90):
            yield picture
        yield from hold(picture, 13 * RATE)

    return film(path, (p for seed in range(minutes * 4) for p in shot(seed)), rate=RATE, gop=2 * RATE)


def peaks(platform: Platform) -> dict[str, int]:
    """Peak resident bytes of each service with its children, since they began."""
    found = {}
    for name, running in platform.processes().items():
        if name in WORKERS:
            process = psutil.Process(running.pid)
            found[name] = sum(high_water(p.pid) for p in [process, *process.children(recursive=True)])
    return found


def high_water(pid: int) -> int:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@pytest.mark.timeout(1800)
def test_an_hour_takes_no_more_memory_than_five_minutes(tmp_path) -> None:
    short, long = talk(tmp_path / "short.mp4", 5), talk(tmp_path / "long.mp4", 60)
    with serving(tmp_path / "home") as platform:
        platform.run("index", str(short), "--wait")
        before = peaks(platform)
        video = platform.messages("index", str(long), "--wait")[-1]
        assert video["state"] == "READY"
        assert next(s["total"] for s in video["stages"] if s["stage"] == "decoding") >= "14"
        after = peaks(platform)
    growth = {name: round(after[name] / before[name], 3) for name in WORKERS}
    print({name: f"{before[name] >> 20} -> {after[name] >> 20} MiB" for name in WORKERS})
    assert all(g <= 1.1 for g in growth.values()), growth
