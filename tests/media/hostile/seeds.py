"""Good files of every container and of many codecs that are opened, tiny, to be spoilt."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av

from tests.media import films as made
from tests.media.films import Cue, film, tone
from tests.media.pictures import corners, pan

_CUES = [Cue(100, 400, "Hello"), Cue(500, 700, "World")]
_FONT = b"\0\1\0\0\0\x0a" + bytes(range(256)) * 4


EXACT = {"fflags": "+bitexact"}
"""No times of making and no random numbers in the file."""


def _film(movflags: str = "", **options: Any) -> Callable[[Path], Path]:
    container = {**EXACT, **({"movflags": movflags} if movflags else {})}
    return lambda path: film(
        path, itertools.chain(pan(1, 6, 64, 48), pan(2, 6, 64, 48)), gop=6, container_options=container, **options
    )


def _av1(path: Path) -> Path:
    """SVT-AV1 gives root's processes real-time priority, before all servers; here it is taken back."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        return _film(codec="libsvtav1", options={"preset": "12"})(path)
    finally:
        os.sched_setscheduler(0, *before)


_MAKE: dict[str, Callable[[Path], Path]] = {
    "h264.mp4": _film(sound=tone(0.5), cues=_CUES, movflags="faststart"),
    "hevc.mp4": _film(codec="libx265", options={"preset": "ultrafast", "x265-params": "log-level=none"}),
    "fragmented.mp4": _film(movflags="frag_keyframe+empty_moov"),
    "av1.mp4": _av1,
    "mpeg4.mov": _film(codec="mpeg4", rotation=90),
    "prores.mov": _film(codec="prores", pixel_format="yuv422p10le"),
    "h264.mkv": _film(sound=tone(0.5), cues=_CUES),
    "ffv1.mkv": _film(codec="ffv1"),
    "vp8.webm": _film(codec="libvpx", sound=tone(0.5)),
    "vp9.webm": _film(codec="libvpx-vp9"),
    "mjpeg.avi": _film(codec="mjpeg", pixel_format="yuvj420p"),
    "huffyuv.avi": _film(codec="huffyuv", pixel_format="yuv422p"),
    "h264.ts": _film(sound=tone(0.5)),
    "mpeg2.ts": _film(codec="mpeg2video"),
    "mpeg1.mpg": _film(codec="mpeg1video"),
    "flv1.flv": _film(codec="flv"),
    "h264.flv": _film(),
    "vp8.ogg": _film(codec="libvpx"),
    "wmv2.wmv": _film(codec="wmv2"),
    "mpeg2.mxf": _film(codec="mpeg2video"),
    "picture.gif": _film(codec="gif", pixel_format="rgb8", rate=10),
    "sound.m4a": lambda path: made.sound_only(path, 0.2),
    "cover.mp3": lambda path: made.sound_only(path, 0.2, cover=corners()),
    "sound.wav": lambda path: _sound(path, "pcm_s16le"),
    "sound.flac": lambda path: _sound(path, "flac"),
    "sound.aac": lambda path: _sound(path, "aac"),
}


def films(folder: Path) -> dict[str, bytes]:
    """The good files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["SVT_LOG"] = "0"
    found = {name: make(folder / name).read_bytes() for name, make in _MAKE.items()}
    return {**found, "font.mkv": with_font(folder / "font.mkv", _FONT)}


def _sound(path: Path, codec: str) -> Path:
    with av.open(str(path), "w", format="adts" if codec == "aac" else None) as out:
        voice = out.add_stream(codec, rate=made.SOUND_RATE, layout="mono")
        made.speak(out, voice, tone(0.2), 0)
    return path


def with_font(path: Path, font: bytes) -> bytes:
    """A film that brings a font, as subtitled ones do."""
    with av.open(str(path), "w", options=EXACT) as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        out.add_attachment("evil.ttf", "application/x-truetype-font", font)
        for picture in pan(3, 6, 64, 48):
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(video.encode(None))
    return path.read_bytes()
