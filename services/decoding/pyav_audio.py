"""Sound of a stretch of the timeline, sample by sample or as 16 kHz mono FLAC, with PyAV."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.stream import Disposition

from services.core.times import MILLISECOND, SECOND, TimeRange
from services.decoding.ports import Limits
from services.decoding.pyav_frames import packets_before
from services.decoding.pyav_open import Source, open_source

RATE = 16_000
LEAD = SECOND
"""Read this long before the stretch, for decoders that need frames before to give a frame right."""
TOLERANCE = 20 * MILLISECOND
"""Sound may lie so far beside its time before silence is put in or samples are left out."""
_CHUNK = 4096

Samples = npt.NDArray[Any]
"""[channels, samples], int16 or float32 as a `Form` says."""


@dataclass(frozen=True)
class Form:
    """What samples are like: int16 of one channel ("s16"), or float32 ("fltp")."""

    rate: int
    channels: int
    format: str

    @property
    def layout(self) -> str:
        return "mono" if self.channels == 1 else "stereo"

    def silence(self, count: int) -> Samples:
        return np.zeros((self.channels, count), np.int16 if self.format == "s16" else np.float32)


_FLAC = Form(RATE, 1, "s16")


def write_audio(path: Path, limits: Limits, range_: TimeRange, target: Path) -> None:
    """Write samples k with start <= k / 16000 s < end, exactly; silence where the stream has nothing."""
    first, last = (-(-t * RATE // SECOND) for t in (range_.start, range_.end))
    with (
        open_source(path, limits) as source,
        av.open(str(target), "w", format="flac", options={"fflags": "+bitexact"}) as out,
    ):
        stream = out.add_stream("flac", rate=RATE, layout="mono", format="s16")
        stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT: no version string
        done = 0
        for chunk in samples(source, sound_of(source)[0], range_, first, last, _FLAC):
            frame = AudioFrame.from_ndarray(chunk, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, done, Fraction(1, RATE)
            done += chunk.shape[1]
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def sound_of(source: Source) -> list[AudioStream]:
    """The sound streams that can be decoded: the default one, else the first, in front."""
    streams = [s for s in source.container.streams.audio if s.codec_context is not None]
    return sorted(streams, key=lambda s: not Disposition(s.disposition) & Disposition.default)


def samples(
    source: Source, stream: AudioStream, range_: TimeRange, first: int, last: int, form: Form
) -> Iterator[Samples]:
    """Samples [first, last) of the timeline, exactly, in chunks; silence where the stream has nothing.

    `range_` is the stretch that they lie in.
    """
    at = first
    for place, run in _placed(source, stream, range_, form):
        if place >= last:
            break
        yield from _silence(place - at, form)
        at = max(at, place)
        part = run[:, at - place : last - place]
        for begin in range(0, part.shape[1], _CHUNK):
            yield np.ascontiguousarray(part[:, begin : begin + _CHUNK])
        at += part.shape[1]
    yield from _silence(last - at, form)


def _silence(count: int, form: Form) -> Iterator[Samples]:
    for begin in range(0, count, _CHUNK):
        yield form.silence(min(_CHUNK, count - begin))


def _placed(source: Source, stream: AudioStream, range_: TimeRange, form: Form) -> Iterator[tuple[int, Samples]]:
    """Runs of samples at rising places, and the sample of the timeline that each begins at."""
    resampler, place, next_time = _resampler(form), 0, -1
    for frame, time in _frames(source, stream, range_.start - LEAD):
        if next_time < 0 or abs(time - next_time) > TOLERANCE:
            if next_time >= 0:
                yield from _run(resampler, None, place)
            resampler, place = _resampler(form), round(time * form.rate / SECOND)
            next_time = time
        if time >= range_.end + LEAD:
            return
        frame.pts = None
        for run_place, run in _run(resampler, frame, place):
            yield run_place, run
            place = run_place + run.shape[1]
        # Drift against the stated times is let go up to the tolerance, then set right at once.
        next_time = next_time + frame.samples * SECOND // frame.sample_rate
    if next_time >= 0:
        yield from _run(resampler, None, place)


def _run(resampler: av.AudioResampler, frame: AudioFrame | None, place: int) -> Iterator[tuple[int, Samples]]:
    try:
        parts = resampler.resample(frame)
    except (av.error.FFmpegError, ValueError):
        return
    for part in parts:
        yield place, part.to_ndarray()
        place += part.samples


def _frames(source: Source, stream: AudioStream, time: int) -> Iterator[tuple[AudioFrame, int]]:
    packets = packets_before(source, stream, time) if time > 0 else None
    if packets is None:
        if time > 0:
            source.container.seek(source.zero // 1000, backward=True)
        packets = source.container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return
        try:
            frames = stream.decode(packet if packet.size else None)
        except av.error.FFmpegError:
            continue
        for frame in frames:
            if frame.pts is not None and frame.samples:
                yield frame, source.time(frame.pts, stream)


def _resampler(form: Form) -> av.AudioResampler:
    return av.AudioResampler(format=form.format, layout=form.layout, rate=form.rate)
