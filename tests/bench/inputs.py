"""The films that decoding is measured on, and how they are made."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.core.times import SECOND
from tests.media import clips
from tests.media.films import film


@dataclass(frozen=True)
class Input:
    """A film of the benchmark."""

    kind: str
    size: tuple[int, int] = (1920, 1080)
    rate: int = 30
    keyframes: int = 2
    """Seconds from one to the next."""
    scene_cuts: bool = True
    """True when the encoder puts keyframes at cuts too."""
    codec: str = "libx264"
    bframes: int = 3

    @property
    def name(self) -> str:
        more = ("" if self.scene_cuts else ", none at cuts") + ("" if self.bframes else ", no B-frames")
        codec = {"libx264": "", "libx265": "HEVC ", "libvpx-vp9": "VP9 "}[self.codec]
        return f"{self.kind} {codec}{self.size[1]}p{self.rate}, keyframes {self.keyframes} s{more}"


USUAL = (
    Input("calm"),
    Input("busy"),
    Input("calm", keyframes=10, scene_cuts=False),
    Input("busy", keyframes=10, scene_cuts=False),
    Input("calm", (1280, 720), 25),
    Input("busy", (1280, 720), 25),
)
MORE = (
    *(Input(kind, keyframes=2, scene_cuts=False) for kind in ("calm", "busy")),
    *(Input(kind, keyframes=10) for kind in ("calm", "busy")),
    *(Input(kind, bframes=0) for kind in ("calm", "busy")),
    *(Input(kind, (1280, 720), 25, codec=codec) for codec in ("libx265", "libvpx-vp9") for kind in ("calm", "busy")),
)


def make(film_: Input, seconds: int, folder: Path) -> tuple[Path, list[int]]:
    """The film's file and the times (ns) at which its shots begin."""
    path = folder / f"{film_.name.replace(' ', '-').replace(',', '')}.{'webm' if 'vp9' in film_.codec else 'mp4'}"
    truth: list[int] = []

    def pictures() -> Iterator[clips.Picture]:
        clip = clips.Clip(*film_.size, film_.rate, film_.rate * seconds, seed=1)
        for i, shown in enumerate(clips.calm(clip) if film_.kind == "calm" else clips.busy(clip)):
            if shown.begins:
                truth.append(i * SECOND // film_.rate)
            yield shown.picture

    options = {
        "libx264": {"preset": "veryfast", "crf": "23", "bf": str(film_.bframes)},
        "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3"},
        "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "b": "4M"},
    }[film_.codec]
    if not film_.scene_cuts:
        options["sc_threshold"] = "0"
    gop = film_.keyframes * film_.rate
    film(path, pictures(), rate=film_.rate, gop=gop, codec=film_.codec, options=options)
    return path, truth
