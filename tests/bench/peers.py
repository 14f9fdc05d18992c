"""vidx beside what a user would pick instead, on the same films and with the same encoder, in turns.

    python -m tests.bench.peers --python .venv-peers/bin/python [--json FILE]        or: make bench-peers

Pixeltable indexes each film (a frame a second through the built-in pack's own ONNX encoder, an embedding index over
them) and answers queries, in the process that asks. vidx takes the film through its gateway and does everything that it
does: shots, frames where something changes, on-screen text, captions, chapters. So it does more; the time until its
vectors of the film were stored is given too, and its processor time without the services of words. PySceneDetect finds
shots in the same films, whose cuts are known; vidx's time for them is that of the whole decoding stage, which makes
frames, pictures and thumbnails as well.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.media.v1 import text_pb2 as text_pb

from services.cli.benching import queries
from tests.bench.peer_sides import LIMIT, Made, Peer, Vidx, make, peer
from tests.bench.report import Figure, save, spread, table
from tests.servers.platform import serving
from tests.servers.triton import built_pack

PART = "peers"
INDEXING, SEARCHING = 3.0, 2.0
"""Times faster than the peer that are wanted."""
PEER, VECTORS, OURS = "pixeltable", "vidx, vectors stored", "vidx decoding stage"
WAYS = (PEER, "vidx", VECTORS)
WORDS = ("captioning", "transcription", "chaptering")
"""Services of vidx whose work pixeltable is not asked for: texts, captions, chapters. What the others do is the same
work: frames a second apart, their vectors, an index that is searched; with the shots, thumbnails and states besides."""
SAME = "vidx, processor without words"
DETECTORS = (("content", "opencv"), ("adaptive", "opencv"), ("content", "pyav"))


def f1(found: Sequence[float], true: Sequence[tuple[float, float]]) -> float:
    """Each true cut takes the nearest found one within its reach, once."""
    left, right = list(found), 0
    for at, reach in true:
        near = [x for x in left if abs(x - at) <= reach + 1e-6]
        if near:
            left.remove(min(near, key=lambda x: abs(x - at)))
            right += 1
    return 2 * right / max(1, len(found) + len(true))


def indexing(vidx: Vidx, other: Peer, films: Sequence[Made]) -> tuple[dict[str, list[float]], list[pb.Video]]:
    """Seconds of each film in each way; whoever comes first changes from film to film."""
    took: dict[str, list[float]] = {
        name: [] for name in (PEER, "vidx", VECTORS, OURS, f"{PEER}, processor", "vidx, processor", SAME)
    }
    videos = []
    for n, made in enumerate(films):
        for who in (PEER, "vidx") if n % 2 == 0 else ("vidx", PEER):
            if who == PEER:
                wall, used, _ = other.ask(do="index", film=str(made.path))
                took[PEER].append(wall)
            else:
                before = vidx.processor_s()
                whole, vectors, decoding, video = vidx.index(made.path)
                spent = vidx.processor_s() - before
                print(f"{made.path.name}: processor seconds {dict(spent.most_common())}")
                used = sum(spent.values())
                took[SAME].append(used - sum(spent[name] for name in WORDS))
                took["vidx"].append(whole)
                took[VECTORS].append(vectors)
                took[OURS].append(decoding)
                videos.append(video)
            took[f"{who}, processor"].append(used)
    return took, videos


def searching(vidx: Vidx, other: Peer, videos: dict[str, str], count: int) -> dict[str, Any]:
    """Milliseconds of each way, query by query in turns; and how often pixeltable's frames lie in vidx's moments.

    `videos`: names of vidx's videos by their files' names.
    """
    took: dict[str, list[float]] = {PEER: [], "vidx visual": [], "vidx all tracks": []}
    first = some = 0
    asked = queries(count + 4)
    for n, query in enumerate(asked):
        there, _, frames = other.ask(do="search", query=query, limit=LIMIT)
        here, moments = vidx.search(query, text_pb.VISUAL)
        # The words differ, so that no vector comes from memory.
        every, _ = vidx.search(f"{query}, please")
        if n < 4:
            continue
        for who, seconds in zip(took, (there, here, every), strict=True):
            took[who].append(1000 * seconds)
        within = [any(v == videos[t] and a - 1 <= at < b + 1 for v, a, b in moments) for t, at, _ in frames]
        first += within[0]
        some += sum(within) / len(within)
    return {
        "ms": {who: spread(times) for who, times in took.items()},
        "best_frame_in_moments": first / count,
        "frames_in_moments": some / count,
    }


def detecting(other: Peer, films: Sequence[Made], ours: Sequence[list[float]], took: list[float]) -> dict[str, Any]:
    """F1 and times real time over all films, of vidx's decoding and of each detector."""

    def summed(cuts: Sequence[Sequence[float]], seconds: Sequence[float]) -> dict[str, float]:
        scores = [f1(found, made.cuts) for found, made in zip(cuts, films, strict=True)]
        return {
            "f1": statistics.mean(scores),
            "real_time": sum(made.seconds for made in films) / sum(seconds),
        }

    found = {OURS: summed(ours, took)}
    for detector, backend in DETECTORS:
        ran = [other.ask(do="shots", film=str(made.path), detector=detector, backend=backend) for made in films]
        found[f"{detector} {backend}"] = summed([cuts for _, _, cuts in ran], [seconds for seconds, _, _ in ran])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, required=True, help="of the peers' environment")
    parser.add_argument("--seconds", type=int, default=60, help="of each film")
    parser.add_argument("--films", type=int, default=4)
    parser.add_argument("--size", type=int, nargs=2, default=[1280, 720])
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vidx-bench-") as scratch:
        folder = Path(scratch)
        # The peer's database runs as a user of its own where this runs as root.
        folder.chmod(0o755)
        pack = built_pack(folder)
        films = [
            make(folder / f"film-{n}.mp4", args.seconds, n, tuple(args.size), n % 2 == 0) for n in range(args.films)
        ]
        warm = make(folder / "warm.mp4", 5, 99, tuple(args.size), True)
        with serving(folder / "home") as platform, peer(args.python, pack, folder / "pixeltable") as other:
            vidx = Vidx(platform)
            _, _, versions = other.ask(do="open")
            other.ask(do="index", film=str(warm.path))
            first = vidx.index(warm.path)[3]
            took, videos = indexing(vidx, other, films)
            names = {made.path.name: video.name for made, video in zip([warm, *films], [first, *videos], strict=True)}
            found = searching(vidx, other, names, args.queries)
            shots = detecting(other, films, [vidx.cuts(v.name) for v in videos], took[OURS])
            vidx.close()
    figures = report(films, took, found, shots)
    print(table(figures))
    if args.json:
        save(args.json, figures, versions=versions, indexing_s=took, searching=found, shots=shots,
             films=[(made.path.name, made.seconds, len(made.cuts)) for made in films])  # fmt: skip


def report(films: Sequence[Made], took: dict[str, list[float]], found: dict[str, Any], shots: Any) -> list[Figure]:
    length = sum(made.seconds for made in films)
    ours = {who: statistics.median(b / a for a, b in zip(took[who], took[PEER], strict=True)) for who in WAYS[1:]}
    work, same = (sum(took[f"{PEER}, processor"]) / sum(took[name]) for name in ("vidx, processor", SAME))
    ms = {who: times["p50"] for who, times in found["ms"].items()}

    def faster(what: str, times: float, target: float | None = None) -> Figure:
        return Figure(PART, f"{what}: pixeltable's time by vidx's", times, "times", target)

    def share(what: str, value: float) -> Figure:
        return Figure(PART, f"search: pixeltable's {what} in vidx's {LIMIT} moments", 100 * value, "%")

    figures = [
        *(Figure(PART, f"indexing {len(films)} films, {who}", length / sum(took[who]), "x real time") for who in WAYS),
        faster("indexing, everything that vidx does", ours["vidx"], INDEXING),
        faster("indexing, until vectors are stored", ours[VECTORS]),
        faster("processor time of indexing, everything that vidx does", work),
        faster("processor time of indexing, without text, captions and chapters", same),
        *(Figure(PART, f"search p50, {who}", p50, "ms") for who, p50 in ms.items()),
        faster("search p50, visual track", ms[PEER] / ms["vidx visual"], SEARCHING),
        faster("search p50, all tracks", ms[PEER] / ms["vidx all tracks"]),
        share("best frame", found["best_frame_in_moments"]),
        share(f"{LIMIT} frames", found["frames_in_moments"]),
    ]
    # The fastest of those that find the cuts as well as any of them.
    good = max(scores["f1"] for who, scores in shots.items() if who != OURS) - 0.01
    best = max(scores["real_time"] for who, scores in shots.items() if who != OURS and scores["f1"] >= good)
    for who, scores in shots.items():
        label = f"shots, {who if who == OURS else f'PySceneDetect {who}'}: F1 {scores['f1']:.3f}"
        ratio = scores["real_time"] / best if who == OURS else None
        figures.append(Figure(PART, label, scores["real_time"], "x real time", ratio=ratio))
    return figures


if __name__ == "__main__":
    main()
