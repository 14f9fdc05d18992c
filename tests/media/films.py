"""Writes tiny films with PyAV. Every function returns the path that it wrote."""

import io
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Disposition
from numpy.typing import NDArray

from tests.media.pictures import Picture, pan, scene

SOUND_RATE = 48_000


@dataclass(frozen=True)
class Cue:
    """A subtitle: milliseconds, and its text."""

    start: int
    end: int
    text: str


def film(
    path: Path,
    pictures: Iterable[Picture],
    *,
    rate: int | Fraction = 25,
    times: Sequence[int] | None = None,
    start: int = 0,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    gop: int = 25,
    rotation: int = 0,
    aspect: Fraction | None = None,
    sound: NDArray[np.int16] | None = None,
    sound_start: int = 0,
    cues: Sequence[Cue] = (),
    language: str = "eng",
    colour: tuple[int, int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """A film of these pictures; the suffix of `path` chooses the container.

    `rate`: frames a second. `times`: a time a picture in milliseconds, for a variable rate, instead. `start`:
    milliseconds that all times are moved by. `rotation`: clockwise degrees that players turn the picture by. `aspect`:
    width of a pixel by its height. `sound`: mono samples at SOUND_RATE, from `sound_start` ms on. `cues`: a text
    subtitle stream. `colour`: FFmpeg's numbers of matrix and range.
    """
    base = Fraction(1, 1000) if times is not None else 1 / Fraction(rate)
    offset = round(Fraction(start, 1000) / base)
    frames = iter(pictures)
    first = next(frames)
    with av.open(str(path), "w", options=container_options or {}) as out:
        video = out.add_stream(codec, rate=rate)
        video.height, video.width = first.shape[:2]
        video.pix_fmt = pixel_format
        video.codec_context.time_base = base
        fast = {"preset": "ultrafast", "crf": "18"} if codec == "libx264" else {}
        video.options = {"g": str(gop), **fast, **(options or {})}
        if rotation:
            # FFmpeg counts counter-clockwise.
            video.set_display_rotation(-rotation)
        if aspect is not None:
            video.codec_context.sample_aspect_ratio = aspect
        if colour is not None:
            video.codec_context.colorspace, video.codec_context.color_range = colour
        voice = _voice(out, path) if sound is not None else None
        text = _text(out, path, cues, language) if cues else None
        for i, picture in enumerate(itertools.chain([first], frames)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if colour is not None:
                frame = frame.reformat(format=pixel_format, dst_colorspace=colour[0], dst_color_range=colour[1])
            frame.pts, frame.time_base = (times[i] if times is not None else i) + offset, base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if voice is not None and sound is not None:
            speak(out, voice, sound, start + sound_start)
        for packet in text or ():
            out.mux(packet)
    return path


def sound_only(path: Path, seconds: float = 1.0, cover: Picture | None = None) -> Path:
    """A tone without a video stream; with a cover picture when given (MP3)."""
    with av.open(str(path), "w") as out:
        voice = out.add_stream("libmp3lame" if path.suffix == ".mp3" else "aac", rate=SOUND_RATE, layout="mono")
        art = None
        if cover is not None:
            art = out.add_stream("mjpeg")
            art.height, art.width = cover.shape[:2]
            art.pix_fmt = "yuvj420p"
            art.disposition = Disposition.attached_pic
        speak(out, voice, tone(seconds), 0)
        if art is not None and cover is not None:
            frame = av.VideoFrame.from_ndarray(cover, format="rgb24")
            frame.pts = 0
            out.mux(art.encode(frame))
            out.mux(art.encode(None))
    return path


def tone(seconds: float, hertz: float = 440.0, level: float = 0.3) -> NDArray[np.int16]:
    """Samples of a sine at SOUND_RATE."""
    t = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return (np.sin(2 * np.pi * hertz * t) * level * 32767).astype(np.int16)


def clicks(seconds: float, at: Sequence[float]) -> NDArray[np.int16]:
    """Silence with a burst of 20 ms at each of these seconds."""
    samples = np.zeros(round(seconds * SOUND_RATE), np.int16)
    for second in at:
        begin = round(second * SOUND_RATE)
        samples[begin : begin + SOUND_RATE // 50] = tone(0.02, 1000, 0.8)[: len(samples) - begin]
    return samples


def two_scenes(path: Path, **more: Any) -> Path:
    """Two seconds at 25 frames a second with a hard cut in the middle."""
    return film(path, itertools.chain(pan(1, 25), pan(2, 25)), **more)


def stills(path: Path, seconds: int, each: int = 600, size: tuple[int, int] = (64, 48)) -> Path:
    """A slide show: a picture each `each` seconds, a single frame long; the last lasts as long."""
    times = range(0, seconds * 1000, each * 1000)
    return film(path, (scene(i, *size) for i in range(len(times))), times=list(times), gop=1)


def _voice(out: OutputContainer, path: Path) -> AudioStream:
    return out.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=SOUND_RATE, layout="mono")


def speak(out: OutputContainer, voice: AudioStream, sound: NDArray[np.int16], start: int) -> None:
    offset = start * SOUND_RATE // 1000
    for begin in range(0, len(sound), 960):
        part = np.ascontiguousarray(sound[None, begin : begin + 960])
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, offset + begin, Fraction(1, SOUND_RATE)
        out.mux(voice.encode(frame))
    out.mux(voice.encode(None))


def _text(out: OutputContainer, path: Path, cues: Sequence[Cue], language: str) -> list[av.Packet]:
    """Packets of a subtitle stream: mov_text in MP4, SubRip elsewhere."""
    if path.suffix in (".mp4", ".mov"):
        stream = out.add_stream("mov_text")
        stream.codec_context.subtitle_header = b"[Script Info]\n"
        stream.time_base = Fraction(1, 1000)
        packets = []
        for cue in cues:
            data = cue.text.encode()
            packet = av.Packet(len(data).to_bytes(2, "big") + data)
            packet.pts = packet.dts = cue.start
            packet.duration = cue.end - cue.start
            packet.time_base = Fraction(1, 1000)
            packets.append(packet)
    else:
        lines = [f"{i}\n{_clock(c.start)} --> {_clock(c.end)}\n{c.text}\n" for i, c in enumerate(cues, 1)]
        with av.open(io.BytesIO("\n".join(lines).encode()), format="srt") as source:
            stream = out.add_stream_from_template(source.streams[0])
            packets = [p for p in source.demux() if p.size]
    stream.metadata["language"] = language
    for packet in packets:
        packet.stream = stream
    return packets


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"
