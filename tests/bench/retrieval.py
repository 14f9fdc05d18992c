"""What search loses by the frames that decoding leaves out: captions look for their shots among the frames that vidx
keeps, and among one a second of all frames decoded.

    python -m tests.bench.retrieval FILMS [--json FILE]        or: make bench-retrieval FILMS=folder

FILMS is a folder with a JSON file a film, NAME.json or NAME.truth.json beside NAME.mp4: {"shots": [{"start", "end",
"captions": [text]}]} with seconds. Frames and captions become vectors by the built-in pack, in this process. A shot has
one cosine as in a search: of its best frame, and of the mean of its frames. R@k is the share of the captions whose shot
is among the k best shots of all films.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.core.times import TimeRange, from_seconds
from services.decoding import pyav
from services.decoding.ports import Limits
from services.embedding.domain.vectors import unit
from services.packs import manifest
from services.search.domain.moments import FRAME_WEIGHT
from tests.bench.decoding import Kept, Way, one_a_second, vectors, vidx
from tests.bench.pack_vectors import PackEncoder
from tests.bench.report import Figure, save, table
from tests.servers.triton import built_pack

PART = "retrieval"
WAYS: dict[str, Way] = {"vidx": vidx, "one a second": one_a_second}
RANKS = (1, 5, 10)
LOST = 0.5
"""Points of R@10 that leaving frames out may cost."""
VIDEOS = (".mp4", ".mkv", ".webm", ".mov")
F32 = NDArray[np.float32]


@dataclass(frozen=True)
class TrueShot:
    """A shot of a film, and what people say of it."""

    range: TimeRange
    captions: tuple[str, ...]


@dataclass(frozen=True)
class TrueFilm:
    """A film and its shots, in order of time."""

    path: Path
    shots: tuple[TrueShot, ...]


def read(folder: Path) -> list[TrueFilm]:
    """The films of a folder whose shots have captions; other JSON files are passed over."""
    found = []
    for file in sorted(folder.glob("*.json")):
        told = json.loads(file.read_text("utf-8"))
        stem = file.name.removesuffix(".json").removesuffix(".truth")
        path = next((p for end in VIDEOS if (p := folder / f"{stem}{end}").is_file()), None)
        shots = told.get("shots", ()) if isinstance(told, dict) else ()
        if path and any(shot.get("captions") for shot in shots):
            found.append(TrueFilm(path, tuple(map(_shot, shots))))
    return found


def cosines(films: Sequence[TrueFilm], way: Way, texts: F32, models: Path) -> tuple[F32, int]:
    """Of each text with each shot of all films [texts, shots], -1 for a shot without a frame; and the frames kept."""
    columns, frames = [], 0
    for film in films:
        kept: Kept = []
        way(film.path, pyav.probe(film.path, Limits()).duration, kept)
        found = vectors(kept, models)
        times = np.array([time for time, _ in kept])
        frames += len(kept)
        for shot in film.shots:
            own = found[(times >= shot.range.start) & (times < shot.range.end)]
            columns.append(_of_shot(texts, own))
    return np.stack(columns, axis=1), frames


def recall(table_: F32, wanted: NDArray[np.intp]) -> dict[int, float]:
    """R@k in percent: rows whose wanted column is among the k greatest."""
    own = np.take_along_axis(table_, wanted[:, None], axis=1)
    better = np.count_nonzero(table_ > own, axis=1)
    # A shot without a frame is not found, however few there are.
    return {k: 100 * float(np.mean((better < k) & (own[:, 0] > -1))) for k in RANKS}


def measure(films: Sequence[TrueFilm], models: Path) -> list[Figure]:
    """R@k by vidx's frames beside that by one a second, and how many frames there are."""
    told = manifest.load(models)
    encoder = PackEncoder(models, told.text_encoder, told.space)
    shots = [shot for film in films for shot in film.shots]
    queries = [(text, n) for n, shot in enumerate(shots) for text in shot.captions]
    texts = encoder.encode([text for text, _ in queries]).vectors
    wanted = np.array([n for _, n in queries])
    of, frames = {}, {}
    for name, way in WAYS.items():
        found, frames[name] = cosines(films, way, texts, models)
        of[name] = recall(found, wanted)
    figures = []
    for k in RANKS:
        ours, other = of["vidx"][k], of["one a second"][k]
        told_ = f"R@{k} of {len(queries)} captions over {len(shots)} shots"
        figures.append(Figure(PART, f"{told_}, one frame a second of all", other, "%"))
        target = other - LOST if k == RANKS[-1] else None
        figures.append(Figure(PART, f"{told_}, frames that vidx keeps", ours, "%", target))
    kept, every = frames["vidx"], frames["one a second"]
    figures.append(Figure(PART, f"frames that vidx keeps, beside {every}", kept, "frames", ratio=kept / every))
    return figures


def _of_shot(texts: F32, own: F32) -> F32:
    if not len(own):
        return np.full(len(texts), -1, np.float32)
    best = (texts @ own.T).max(axis=1)
    pooled = texts @ unit(own.mean(axis=0, keepdims=True))[0]
    found: F32 = FRAME_WEIGHT * best + (1 - FRAME_WEIGHT) * np.minimum(pooled, best)
    return found


def _shot(told: dict[str, object]) -> TrueShot:
    start, end = (from_seconds(float(str(told[name]))) for name in ("start", "end"))
    captions = told.get("captions") or ()
    assert isinstance(captions, list | tuple)
    return TrueShot(TimeRange(start, end), tuple(map(str, captions)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    films = read(args.films)
    if not films:
        sys.exit(f"{args.films} holds no film: a JSON file with shots and their captions beside each")
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(films, built_pack(Path(scratch)))
    print(table(figures))
    if args.json:
        save(args.json, figures)


if __name__ == "__main__":
    main()
