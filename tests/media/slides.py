"""Made slides: pictures of words, films of them, and what each shows when."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from services.core.times import SECOND, TimeRange
from tests.media.films import film
from tests.media.pictures import Picture

_TEXT = """
account advice animal answer autumn balance basket bottle bridge budget butter camera candle carbon castle century
chapter cheese circle climate coffee comfort copper cotton courage danger deliver dentist desert dinner distance
doctor dolphin dragon eastern elephant energy engine evening expert factory famous farmer father feather festival
finger flower forest fortune freedom garden gather gentle giant glacier golden grammar guitar hammer harbour harvest
health history holiday honest horizon hospital hundred hunger island jacket journey jungle justice kitchen ladder
language lantern leather lecture lesson letter library lizard machine magnet market measure meeting melody memory
message minute mirror modern monkey morning mother mountain museum music nation nature needle network number object
ocean office orange orchard oxygen painter palace paper parcel pattern pencil people pepper picture pigeon planet
plastic pocket poetry police potato powder prince problem profit promise quality quarter rabbit railway rainbow
reason record report rescue result ribbon river rocket sample sandwich saturday school science season second sentence
shadow silver simple sister society soldier spirit spring square station stomach storm summer surface symbol system
teacher temple theatre thunder ticket tiger tomato tongue traffic travel treasure tunnel umbrella uniform valley
vegetable village vinegar violin visitor volcano weather wedding western whisper window winter wisdom witness yellow
"""
WORDS = _TEXT.split()


@dataclass(frozen=True)
class Style:
    """How slides look: letter size in pixels, colours, and a font file (Pillow's own when empty)."""

    size: int = 36
    ink: tuple[int, int, int] = (25, 25, 45)
    paper: tuple[int, int, int] = (248, 246, 240)
    font: str = ""


LIGHT, DARK = Style(), Style(ink=(235, 235, 230), paper=(18, 24, 36))


@dataclass(frozen=True)
class Slide:
    """Lines of words, shown for `range`."""

    range: TimeRange
    lines: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return [word for line in self.lines for word in line.split()]


def slide(
    lines: Sequence[str], style: Style = LIGHT, width: int = 1280, height: int = 720, top: float = 0.15
) -> Picture:
    """A picture of lines of text, set from `top` (a share of the height) on."""
    image = Image.new("RGB", (width, height), style.paper)
    write(image, lines, style, (width // 12, round(height * top)))
    return np.asarray(image)


def write(image: Image.Image, lines: Sequence[str], style: Style, at: tuple[int, int]) -> None:
    """Put lines of text into a picture, from a place on."""
    draw = ImageDraw.Draw(image)
    for i, line in enumerate(lines):
        draw.text((at[0], at[1] + round(1.5 * style.size) * i), line, font=_font(style), fill=style.ink)


def texts(seed: int, count: int) -> list[tuple[str, ...]]:
    """The lines of so many slides: 5 to 12 words each, in lines of up to four."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        words = rng.sample(WORDS, rng.randint(5, 12))
        words[0] = words[0].capitalize()
        found.append(tuple(" ".join(words[i : i + 4]) for i in range(0, len(words), 4)))
    return found


def slides_film(
    path: Path,
    shown: Sequence[Sequence[str]],
    styles: Sequence[Style] = (LIGHT,),
    *,
    seed: int = 0,
    rate: int = 25,
    seconds: tuple[float, float] = (1.4, 3.0),
    size: tuple[int, int] = (1280, 720),
) -> list[Slide]:
    """A film of slides, hard from one to the next, each as long as chance says; what it shows when.

    The styles take turns; neighbours of one style differ in their text only.
    """
    rng = random.Random(seed)
    frames = [round(rng.uniform(*seconds) * rate) for _ in shown]
    starts = [sum(frames[:i]) for i in range(len(frames) + 1)]

    def pictures() -> Iterator[Picture]:
        for i, lines in enumerate(shown):
            picture = slide(lines, styles[i % len(styles)], *size)
            for _ in range(frames[i]):
                yield picture

    film(path, pictures(), rate=rate, gop=250, options={"preset": "veryfast", "crf": "23"})
    return [
        Slide(TimeRange(starts[i] * SECOND // rate, starts[i + 1] * SECOND // rate), tuple(lines))
        for i, lines in enumerate(shown)
    ]


@lru_cache
def _font(style: Style) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.truetype(style.font, style.size) if style.font else ImageFont.load_default(style.size)
