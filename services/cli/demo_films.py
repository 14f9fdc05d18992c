"""Films for the demo: real photographs in slow motion, a title card, hard cuts, narrations; and the truth of them.

The pictures are those that the `scikit-image` wheel itself holds; they are in the public domain or freely licensed.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, RATE = 720, 540, 25
SLIDES_RATE = 2
MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True)
class Scene:
    """A picture on show for some seconds, with what the narrator says; or, with `card`, lines of text of that name.

    Several sentences share the time equally.
    """

    picture: str
    seconds: int
    said: str
    card: tuple[str, ...] = ()


@dataclass(frozen=True)
class Film:
    """A film's name and its scenes, each a shot. `slides`: the pictures stand still, at few frames a second."""

    name: str
    scenes: tuple[Scene, ...]
    slides: bool = False

    @property
    def rate(self) -> int:
        """Frames a second."""
        return SLIDES_RATE if self.slides else RATE

    def narration(self) -> Iterator[tuple[int, int, str]]:
        """What is said: milliseconds from, milliseconds until, and the sentence."""
        at = 0
        for scene in self.scenes:
            sentences = re.split(r"(?<=[.?!]) ", " ".join(scene.said.split())) if scene.said else []
            for i, sentence in enumerate(sentences):
                start, end = (scene.seconds * 1000 * n // len(sentences) for n in (i, i + 1))
                yield at * 1000 + start, at * 1000 + end, sentence
            at += scene.seconds

    def shot(self, picture: str) -> tuple[int, int] | None:
        """Where a picture is shown: seconds from, seconds until."""
        at = 0
        for scene in self.scenes:
            if scene.picture == picture:
                return at, at + scene.seconds
            at += scene.seconds
        return None


EYE = """
The human eye works much like a small camera. Light falls through the pupil into the eye. The lens bends the light, so
that a sharp image falls on the retina. The retina at the back of the eye holds millions of cells that feel light. Some
of these cells see colour, and they need bright light. The others see only grey, but they work in the dark. Where the
optic nerve leaves the eye, the retina is blind. The optic nerve carries the image to the brain. A lens that has become
cloudy with age can be replaced by a doctor. Glasses help when the image falls in front of the retina.
"""
HORSES = """
People have ridden horses for more than five thousand years. A horse can sleep standing up, because its legs lock in
place. A young horse is called a foal, and it walks an hour after it is born. Wild horses live in herds that are led by
an old mare. A horse shows with its ears what it is listening to. Horses eat grass and hay, and on cold days some oats.
The rider sits in a saddle and holds the reins in both hands. At a gallop all four hooves leave the ground. A blacksmith
puts iron shoes on the hooves of a horse. A well trained horse knows the voice of its rider.
"""
GRAVEL = """
Every river carries stones down from the mountains. Frost breaks the rock of a cliff into sharp pieces. The current of
the river rolls the pieces along its bed. As the stones knock against each other, their edges wear away. Far down the
valley the gravel is round and smooth. Where the river slows down, the heavy gravel sinks first. Sand is nothing but
gravel that has been ground still finer. Mud is so light that it travels all the way to the sea. Builders dig gravel out
of old river beds to make concrete. Under great pressure sand and gravel become rock again.
"""

FILMS = (
    Film(
        "space",
        (
            Scene("rocket.jpg", 4, "A rocket stands ready on its launch pad in the evening."),
            Scene("astronaut.png", 4, "Eileen Collins was the first woman to command a Space Shuttle."),
            Scene("moon.png", 3, "The surface of the Moon is covered with craters."),
            Scene("hubble_deep_field.jpg", 4, "The Hubble telescope looked at one dark spot and found galaxies."),
        ),
    ),
    Film(
        "home",
        (
            Scene("coffee.png", 4, "The day begins with a cup of coffee."),
            Scene("chelsea.png", 5, "Chelsea the cat watches the room."),
            Scene("page.png", 3, "There is time to read a page or two."),
            Scene("motorcycle_left.png", 4, "In the garage waits a motorcycle."),
        ),
    ),
    Film(
        "museum",
        (
            Scene("hours", 3, "", ("OPENING HOURS", "TUESDAY TO SUNDAY", "9 TO 17")),
            Scene("coins.png", 4, "These Greek coins were found in Pompeii."),
            Scene("camera.png", 4, "A photographer sets up his camera on a tripod."),
            Scene("brick.png", 3, "The wall outside is made of brick."),
            Scene("grass.png", 3, "Behind it there is only grass."),
        ),
    ),
    Film(
        "lesson",
        (Scene("retina.jpg", 66, EYE), Scene("horse.png", 66, HORSES), Scene("gravel.png", 66, GRAVEL)),
        slides=True,
    ),
)


def write(film: Film, file: Path) -> None:
    """Write a film as H.264 in MP4 with its narration as a subtitle track; `file` appears when it is whole."""
    import av

    part = file.with_suffix(".part")
    with av.open(str(part), "w", format="mp4") as out:
        video: Any = out.add_stream("libx264", rate=film.rate, options={"crf": "23", "preset": "veryfast", "g": "50"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        narration: Any = out.add_stream("mov_text")
        narration.codec_context.subtitle_header = b"[Script Info]\n"
        narration.time_base = MILLISECOND
        for scene in film.scenes:
            count = scene.seconds * film.rate
            for picture in _card(scene, count) if scene.card else _moving(scene, count, film.slides):
                out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(video.encode(None))
        for start, end, sentence in film.narration():
            out.mux(_cue(narration, sentence, start, end))
    part.replace(file)


def _cue(narration: Any, text: str, start: int, end: int) -> Any:
    """A subtitle from `start` to `end` milliseconds: its length in two bytes and the text (3GPP TS 26.245, 5.17)."""
    import av

    data = text.encode()
    packet: Any = av.Packet(len(data).to_bytes(2, "big") + data)
    packet.stream, packet.time_base = narration, MILLISECOND
    packet.pts = packet.dts = start
    packet.duration = end - start
    return packet


def _card(scene: Scene, count: int) -> Iterator[Any]:
    """So many frames of a title card: arrays of (HEIGHT, WIDTH, 3) uint8 RGB, all the same."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", (WIDTH, HEIGHT), (24, 32, 56))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(56)
    text, middle = "\n".join(scene.card), (WIDTH / 2, HEIGHT / 2)
    draw.multiline_text(middle, text, (240, 232, 208), font, anchor="mm", align="center", spacing=24)
    frame = np.asarray(picture)
    return (frame for _ in range(count))


def _moving(scene: Scene, count: int, still: bool) -> Iterator[Any]:
    """So many frames of a scene: a window of the film's shape that glides over the picture and closes in a little.

    Or it stands still. Arrays of (HEIGHT, WIDTH, 3) uint8 RGB.
    """
    import numpy as np
    import skimage.data
    from PIL import Image

    picture = Image.open(Path(skimage.data.__file__).parent / scene.picture).convert("RGB")
    scale = min(picture.width / WIDTH, picture.height / HEIGHT)
    for number in range(count):
        # From rest to rest, so that the motion looks like a camera's.
        way = 0.5 if still else (1 - math.cos(math.pi * number / (count - 1))) / 2
        size = scale * (1.0 - 0.1 * way)
        width, height = WIDTH * size, HEIGHT * size
        left, top = (picture.width - width) * (0.2 + 0.6 * way), (picture.height - height) * (0.3 + 0.4 * way)
        box = (left, top, left + width, top + height)
        yield np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=box))
