"""Growth as a picture: points and the power that they grow with, on logarithmic axes, drawn with Pillow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.bench.report import exponent, short

WIDTH, HEIGHT, MARGIN, LEGEND = 1080, 520, 84, 340
INKS = ("#1f5fa8", "#c2502c", "#3c8a4a", "#7b4aa0", "#8a6d1d", "#2a8f9c", "#555555")
PAPER, LINE, TEXT = "#ffffff", "#dddddd", "#222222"


@dataclass(frozen=True)
class Line:
    """A thing that grows: at least one point, each with x and y above zero."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """Lines over one axis."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]


def draw(panels: Sequence[Panel], file: Path) -> None:
    """Write the panels as a PNG, one below the other."""
    image = Image.new("RGB", (WIDTH, HEIGHT * len(panels)), PAPER)
    for i, panel in enumerate(panels):
        _panel(ImageDraw.Draw(image), panel, HEIGHT * i)
    image.save(file)


def _panel(pen: ImageDraw.ImageDraw, panel: Panel, top: int) -> None:
    font, large = ImageFont.load_default(13), ImageFont.load_default(16)
    xs, ys = ([p[axis] for line in panel.lines for p in line.points] for axis in (0, 1))
    left, right, up, down = MARGIN, WIDTH - LEGEND, top + 48, top + HEIGHT - 60

    def across(x: float) -> float:
        return _place(x, xs, left, right)

    def along(y: float) -> float:
        return _place(y, ys, down, up)

    pen.text((left, top + 14), panel.title, TEXT, large)
    for x in sorted(set(xs)):
        pen.line([(across(x), up), (across(x), down)], LINE)
        pen.text((across(x), down + 6), f"{x:g}", TEXT, font, anchor="ma")
    for power in range(math.floor(math.log10(min(ys))) - 1, math.ceil(math.log10(max(ys))) + 1):
        for y in (10.0**power, 2 * 10.0**power, 5 * 10.0**power):
            if down >= along(y) >= up:
                pen.line([(left, along(y)), (right, along(y))], LINE)
                pen.text((left - 8, along(y)), f"{y:g}", TEXT, font, anchor="rm")
    pen.rectangle([left, up, right, down], outline=TEXT)
    pen.text(((left + right) / 2, down + 28), panel.x, TEXT, font, anchor="ma")
    pen.text((8, up - 4), panel.y, TEXT, font, anchor="ls")
    for i, line in enumerate(panel.lines):
        ink = INKS[i % len(INKS)]
        points = sorted(line.points)
        places = [(across(x), along(y)) for x, y in points]
        pen.line(places, ink, 2)
        for x, y in places:
            pen.ellipse([x - 4, y - 4, x + 4, y + 4], fill=ink)
        grows = f": to the power {short(exponent(*zip(*points, strict=True)))}" if len(points) > 1 else ""
        pen.text((right + 14, up + 10 + 18 * i), f"{line.name}{grows}", ink, font)


def _place(value: float, values: Sequence[float], start: float, end: float) -> float:
    """Where a value lies between two edges, with a little room at both; in the middle where all are the same."""
    low, high = math.log(min(values)), math.log(max(values))
    share = (math.log(value) - low) / (high - low) if high > low else 0.5
    return start + (end - start) * (0.08 + 0.84 * share)
