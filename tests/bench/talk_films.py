"""Films for the whole pipeline: a talk with a voice, clips without sound, and hours that are quickly made."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tests.bench.voice import RATE as VOICE_RATE
from tests.bench.voice import talk
from tests.media.clips import Clip, busy, calm
from tests.media.films import SOUND_RATE, film
from tests.media.pictures import Picture, hold, pan

CLIP_S = 10


def sound(seconds: int, speech: Sequence[Path]) -> NDArray[np.int16]:
    """Mono at SOUND_RATE: the files over and over, or the made voice."""
    if not speech:
        voice = np.concatenate([talk(min(60, seconds - at), seed=at) for at in range(0, seconds, 60)])
        times = np.arange(seconds * SOUND_RATE) * (VOICE_RATE / SOUND_RATE)
        return np.interp(times, np.arange(len(voice)), voice).astype(np.int16)
    parts = []
    for file in speech:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SOUND_RATE)
        with av.open(str(file)) as source:
            decoded = (out for frame in source.decode(audio=0) for out in resampler.resample(frame))
            parts.append(np.concatenate([frame.to_ndarray().ravel() for frame in decoded]))
    return np.resize(np.concatenate(parts), seconds * SOUND_RATE)


def talk_film(path: Path, minutes: int, speech: Sequence[Path]) -> Path:
    """The talk's one minute where it is one minute long, or else that minute over and over."""
    once = path.with_name("talk-1.mp4")
    if not once.exists():
        pictures = (shown.picture for shown in calm(Clip(1280, 720, 25, 60 * 25, seed=7)))
        film(once, pictures, gop=50, sound=sound(60, speech), options={"preset": "veryfast"})
    return once if minutes == 1 else repeat(once, path, minutes)


def repeat(source: Path, path: Path, times: int) -> Path:
    """The film over and over, its packets as they are; the sound ends where the pictures do."""
    with av.open(str(path), "w") as out, av.open(str(source)) as first:
        made = {stream.index: out.add_stream_from_template(stream) for stream in first.streams}
        video = first.streams.video[0]
        length = video.duration * video.time_base
        last: dict[int, int] = {}
        for n in range(times):
            with av.open(str(source)) as again:
                for packet in again.demux():
                    if packet.dts is None or packet.dts * packet.time_base >= length:
                        continue
                    offset, index = round(n * length / packet.time_base), packet.stream.index
                    # Sound begins before zero, where the minute before has not quite ended.
                    if packet.dts + offset <= last.get(index, packet.dts + offset - 1):
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    last[index] = packet.dts
                    packet.stream = made[index]
                    out.mux(packet)
    return path


def clip_film(path: Path, seed: int) -> Path:
    """Ten seconds with a hand-held camera, without sound."""
    pictures = (shown.picture for shown in busy(Clip(1280, 720, 25, CLIP_S * 25, seed)))
    return film(path, pictures, gop=50, options={"preset": "veryfast"})


def long_film(path: Path, minutes: int) -> Path:
    """A small film that is quickly made: a cut every 15 s, after which the picture moves and then rests."""
    rate = 4

    def shots() -> Iterator[Picture]:
        for seed in range(minutes * 4):
            moving = list(pan(seed % 40, 5 * rate, 160, 90))
            yield from moving
            yield from hold(moving[-1], 10 * rate)

    return film(path, shots(), rate=rate, gop=2 * rate)
