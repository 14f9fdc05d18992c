"""Decoding and the visual path: times real time, beside PyAV decoding every frame of the same files.

    python -m tests.bench.decoding [--seconds 60] [--times 1] [--rounds 3] [--all] [--only busy] [--json FILE]

The films are made first (`tests.media.clips`): slides that stand, and a hand-held camera. Then these ways take turns
(A B C A B C) in one warm child process, as the service runs them, each with the decoder's own choice of threads:

    every frame    PyAV decodes every frame, and nothing is done with them
    one a second   the same, and one frame a second becomes a JPEG of the size of a sampled frame
    vidx           the service's segment step: shots, sampled frames, thumbnails
    vidx, all      the same with no frame left out
    embedded       vidx, then its frames through the built-in pack's visual encoder, in-process
    all embedded   one a second, then those through the encoder

Figures are medians. Processor seconds stand beside wall seconds, which other work on the machine disturbs.
"""

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.core.times import SECOND, TimeRange
from services.decoding import pyav, pyav_plan
from services.decoding.domain.sampling import fit
from services.decoding.ports import Limits, Sampling
from services.decoding.pyav_open import open_source
from services.decoding.pyav_pictures import jpeg
from services.embedding import pack
from services.embedding.images import PillowPictures
from services.runtime.sandbox import Sandbox
from tests.bench.inputs import MORE, USUAL, Input, make
from tests.bench.report import Figure, save, table
from tests.bench.talk_films import repeat
from tests.bench.triton_path import session
from tests.servers.triton import built_pack

PART = "decoding"
WAYS = ("every frame", "one a second", "vidx", "vidx, all", "embedded", "all embedded")
TARGETS = {"calm": 80.0, "busy": 20.0}
"""Times real time that are wanted of the visual path at 1080p30 with keyframes every 2 s."""
TOLERANCE = SECOND // 4
BATCH = 16
PHASES = {
    "pyav_lanes._take": "waiting for decoders",
    "pyav_frames.decoded": "decoding again",
    "pyav_frames.readable": "reading",
    "pyav_sparse.signature": "signatures",
    "pyav_sparse._looks": "gaps",
    "pyav_plan.plan": "gaps",
    "detection.push": "shots",
    "detection.finish": "shots",
    "pyav_pictures.small": "pictures",
    "pyav_pictures.fine": "pictures",
    "pyav_pictures.finished": "pictures",
    "pyav_pictures.jpeg": "pictures",
    "pyav_pictures.thumbnail": "pictures",
    "sampling.look": "sampling",
    "turns.push": "sampling",
}


@dataclass(frozen=True)
class Run:
    """What a way took in its process, and what it found: when shots begin (ns), and how many frames it kept."""

    wall: float
    cpu: float
    shots: tuple[int, ...] = ()
    frames: int = 0


Kept = list[tuple[int, bytes]]
"""JPEGs of frames with their times (ns)."""
Way = Callable[[Path, int, Kept], Run]


def every_frame(path: Path, duration: int) -> Run:
    with open_source(path, Limits()) as source:
        for packet in source.container.demux(source.video):
            source.video.decode(packet)
    return Run(0, 0)


def one_a_second(path: Path, duration: int, keep: Kept | None = None) -> Run:
    sampling, due, count = Sampling(), 0, 0
    with open_source(path, Limits()) as source:
        for packet in source.container.demux(source.video):
            for frame in source.video.decode(packet):
                time_ = None if frame.pts is None else source.time(frame.pts)
                if time_ is not None and time_ >= due:
                    due += sampling.interval
                    count += 1
                    size = fit(frame.width, frame.height, sampling.side)
                    data = jpeg(frame.to_image(width=size[0], height=size[1]), sampling.quality)
                    if keep is not None:
                        keep.append((time_, data))
    return Run(0, 0, (), count)


def vidx(path: Path, duration: int, keep: Kept | None = None) -> Run:
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        files = pyav.segment(path, Limits(), Sampling(), TimeRange(0, duration), False, Path(scratch))
        if keep is not None:
            data = files.jpegs.read_bytes()
            for frame in files.frames:
                at = data.index(f"{frame.pts}.jpg\0".encode())
                keep.append((frame.time, data[at + 512 : at + 512 + int(data[at + 124 : at + 135], 8)]))
    return Run(0, 0, tuple(shot.range.start for shot in files.shots[1:]), len(files.frames))


def vidx_all(path: Path, duration: int) -> Run:
    apt, pyav_plan.CODECS = pyav_plan.CODECS, ()
    try:
        return vidx(path, duration)
    finally:
        pyav_plan.CODECS = apt


def embedded(way: Way, path: Path, duration: int, models: Path) -> Run:
    """A way, and its frames through the encoder."""
    kept: Kept = []
    run = way(path, duration, kept)
    vectors(kept, models)
    return run


def vectors(kept: Kept, models: Path) -> NDArray[np.float32]:
    """Unit vectors [n, d] of JPEGs by the visual encoder of a built pack."""
    encoder, role, pictures = _encoder(models)
    parts = [np.zeros((0, role.dimension), np.float32)]
    for at in range(0, len(kept), BATCH):
        canvases = [pictures.canvases(data) for _, data in kept[at : at + BATCH]]
        parts += encoder.run([role.output], {role.input: np.concatenate(canvases)})
    return np.concatenate(parts)


_OPEN: dict[Path, Any] = {}


def _encoder(models: Path) -> Any:
    if models not in _OPEN:
        manifest, _ = pack.read(models)
        role = manifest.visual_encoder
        _OPEN[models] = session(models, manifest, 0), role, PillowPictures(role.height, role.width, 36_000_000)
    return _OPEN[models]


def timed(name: str, path: Path, duration: int, models: Path | None) -> dict[str, Any]:
    """One way once, in the process that this is called in: a `Run`'s fields."""
    if models is not None:
        _encoder(models)
    ways: dict[str, Callable[[], Run]] = {
        "every frame": lambda: every_frame(path, duration),
        "one a second": lambda: one_a_second(path, duration),
        "vidx": lambda: vidx(path, duration),
        "vidx, all": lambda: vidx_all(path, duration),
        "embedded": lambda: embedded(vidx, path, duration, models or Path()),
        "all embedded": lambda: embedded(one_a_second, path, duration, models or Path()),
    }
    wall, cpu = time.perf_counter(), time.process_time()
    run = ways[name]()
    return asdict(replace(run, wall=time.perf_counter() - wall, cpu=time.process_time() - cpu))


def phases(path: Path, duration: int) -> dict[str, float]:
    """Share of each phase in the wall time of vidx's main thread; the decoders have threads of their own."""
    profile = cProfile.Profile()
    profile.runcall(vidx, path, duration)
    stats = pstats.Stats(profile)
    whole = stats.total_tt  # type: ignore[attr-defined]
    found: dict[str, float] = {}
    for (file, _, function), entry in stats.stats.items():  # type: ignore[attr-defined]
        phase = PHASES.get(f"{Path(file).stem}.{function}")
        if phase:
            found[phase] = found.get(phase, 0.0) + entry[3] / whole
    return {phase: round(share, 3) for phase, share in sorted(found.items(), key=lambda item: -item[1])}


def f1(found: Sequence[int], truth: Sequence[int]) -> float:
    """Of cuts within TOLERANCE of a true one, each counted once; 1 when there is none to find and none was found."""
    if not found and not truth:
        return 1.0
    left, hits = list(truth), 0
    for cut in found:
        near = [t for t in left if abs(t - cut) <= TOLERANCE]
        if near:
            left.remove(min(near, key=lambda t: abs(t - cut)))
            hits += 1
    return 2 * hits / max(1, len(found) + len(truth))


def over_again(once: Path, truth: list[int], length: int, times: int) -> tuple[Path, list[int]]:
    """The film so many times, and when its shots begin; each time begins with a cut."""
    path = repeat(once, once.with_stem(f"{once.stem}-{times}"), times)
    once.unlink()
    return path, sorted(at + n * length for n in range(times) for at in (*truth, *([0] if n else [])))


def measure(
    film_: Input, path: Path, truth: list[int], rounds: int, models: Path | None, box: Sandbox
) -> dict[str, Any]:
    """Every way, in turns, `rounds` times after one that warms up."""
    duration = pyav.probe(path, Limits()).duration
    names = [name for name in WAYS if models is not None or "embedded" not in name]
    reads = [path, *([models] if models else [])]
    took: dict[str, list[Run]] = {name: [] for name in names}
    for round_ in range(rounds + 1):
        for name in names:
            run = box.run(timed, name, path, duration, models, timeout_s=3600, reads=reads, writes=[path.parent])
            if round_:
                took[name].append(Run(**run))
    seconds = duration / SECOND
    wall = {name: statistics.median(run.wall for run in runs) for name, runs in took.items()}
    cpu = {name: statistics.median(run.cpu for run in runs) for name, runs in took.items()}
    return {
        "film": film_.name,
        "seconds": round(seconds, 2),
        "megabits_a_second": round(path.stat().st_size * 8 / seconds / 1e6, 2),
        "times_real_time": {name: round(seconds / value, 1) for name, value in wall.items()},
        "processor_ms_a_second": {name: round(value / seconds * 1000, 1) for name, value in cpu.items()},
        "frames": {name: took[name][-1].frames for name in names if took[name][-1].frames},
        "shots": len(truth) + 1,
        "f1": {name: round(f1(took[name][-1].shots, truth), 3) for name in ("vidx", "vidx, all")},
        "phases": box.run(phases, path, duration, timeout_s=3600, reads=reads, writes=[path.parent]),
    }


def figures(result: Mapping[str, Any], film_: Input) -> list[Figure]:
    """The figures of a film; a ratio above 1 means that vidx takes less processor time than what it is held against."""
    x, cpu = result["times_real_time"], result["processor_ms_a_second"]
    found = [
        Figure(PART, f"{film_.name}: every frame", x["every frame"], "x real time"),
        Figure(PART, f"{film_.name}: one a second", x["one a second"], "x real time"),
        Figure(PART, f"{film_.name}: vidx", x["vidx"], "x real time", ratio=cpu["every frame"] / cpu["vidx"]),
        Figure(PART, f"{film_.name}: shots' F1", result["f1"]["vidx"], "", max(0.0, result["f1"]["vidx, all"] - 0.01)),
    ]
    if "embedded" in x:
        usual = film_ in USUAL[:2]
        target = TARGETS[film_.kind] if usual else x["all embedded"]
        ratio = cpu["all embedded"] / cpu["embedded"]
        found.append(Figure(PART, f"{film_.name}: visual path", x["embedded"], "x real time", target, ratio=ratio))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="of each film")
    parser.add_argument("--times", type=int, default=1, help="that each film is laid end to end")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="more ways of encoding, HEVC and VP9 too")
    parser.add_argument("--only", default="", help="films whose name holds this")
    parser.add_argument("--without-encoder", action="store_true", help="decoding alone: needs no model pack")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    chosen = [f for f in (*USUAL, *(MORE if args.all else ())) if args.only in f.name]
    told: list[Figure] = []
    raw: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, Sandbox(1, 16 << 30, 1 << 30) as box:
        models = None if args.without_encoder else built_pack(Path(folder))
        for film_ in chosen:
            path, truth = make(film_, args.seconds, Path(folder))
            if args.times > 1:
                path, truth = over_again(path, truth, args.seconds * SECOND, args.times)
            raw.append(measure(film_, path, truth, args.rounds, models, box))
            told += figures(raw[-1], film_)
            path.unlink()
            if args.json:
                save(args.json, told, films=raw)
    print(table(told))
    for result in raw:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in result["phases"].items())
        print(f"{result['film']}: {shares}")
        print(f"  processor ms a second: {result['processor_ms_a_second']}")


if __name__ == "__main__":
    main()
