"""Reading a slide: only where it is drawn on, beside the whole picture, in turns.

    python -m tests.bench.reading [--slides 12] [--rounds 2] [--json FILE]

Slides of 5 to 12 words at 720p, each with a line at its foot, made as small as a sampled frame and saved as one is.
Processor seconds of one thread; both ways are given the same models and must read the same lines.
"""

import argparse
import io
import statistics
import time
from pathlib import Path

import numpy as np
from PIL import Image

from services.captioning import rapid
from services.captioning.domain.ink import Drawn, drawn
from services.captioning.ports import U8
from services.decoding.domain.sampling import fit
from services.decoding.ports import Sampling
from tests.bench.report import Figure, save, table
from tests.media.slides import DARK, LIGHT, Style, slide, texts, write

PART = "reading"
FOOT = Style(24, (90, 90, 90))


def sampled(number: int, lines: tuple[str, ...]) -> U8:
    """A slide as the reader is given it."""
    image = Image.fromarray(slide(lines, (LIGHT, DARK)[number % 2]))
    write(image, [f"Report of the evening {number}"], FOOT, (100, 660))
    sampling, buffer = Sampling(), io.BytesIO()
    image.resize(fit(*image.size, sampling.side)).save(buffer, "JPEG", quality=sampling.quality)
    return np.asarray(Image.open(buffer))


def whole(picture: U8) -> Drawn:
    """All of it, as if it were drawn on everywhere."""
    return Drawn(picture, picture.shape[:2], [(0, 0)], 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slides", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    reader = rapid.RapidReader(threads=1)
    pictures = [sampled(n, lines) for n, lines in enumerate(texts(3, args.slides))]
    took: dict[str, list[float]] = {"drawn": [], "whole": []}
    alike = 0
    for round_ in range(args.rounds + 1):
        for picture in pictures:
            read = {}
            for name, part in (("drawn", drawn), ("whole", whole)):
                rapid.drawn = part
                began = time.process_time()
                read[name] = sorted(line.text for line in reader.read(picture))
                if round_:
                    took[name].append(1000 * (time.process_time() - began))
            alike += bool(round_) and read["drawn"] == read["whole"]
    rapid.drawn = drawn
    ms = {name: statistics.median(times) for name, times in took.items()}
    ratio = statistics.median(a / b for a, b in zip(took["drawn"], took["whole"], strict=True))
    figures = [
        Figure(PART, "a slide read where it is drawn on, beside the whole of it", ms["drawn"], "ms", ratio=ratio),
        Figure(PART, "slides of which both ways read the same", 100 * alike / len(took["drawn"]), "%"),
    ]
    print(table(figures))
    if args.json:
        save(args.json, figures, ms=took)


if __name__ == "__main__":
    main()
