"""Sound of a stretch of the timeline as 16 kHz mono FLAC, with PyAV."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.stream import Disposition
from numpy.typing import NDArray

from services.core.times import MILLISECOND, SECOND, TimeRange
from services.decoding.ports import Limits
from services.decoding.pyav_frames import packets_before
from services.decoding.pyav_open import Source, open_source

RATE = 16_000
LEAD = SECOND
"""Read this long before the stretch, for decoders that need frames before to give a frame right."""
TOLERANCE = 20 * MILLISECOND * RATE // SECOND
"""Samples that sound may lie beside its time before silence is put in or samples are left out."""
_CHUNK = 4096

Samples = NDArray[np.int16]


def write_audio(path: Path, limits: Limits, range_: TimeRange, target: Path) -> None:
    """Write samples k with start <= k / 16000 s < end, exactly; silence where the stream has nothing."""
    first, last = (-(-t * RATE // SECOND) for t in (range_.start, range_.end))
    with av.open(str(target), "w", format="flac", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("flac", rate=RATE, layout="mono", format="s16")
        stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT: no version string
        done = 0
        for chunk in _exactly(_placed(path, limits, range_), first, last):
            frame = AudioFrame.from_ndarray(chunk[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, done, Fraction(1, RATE)
            done += len(chunk)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _exactly(placed: Iterator[tuple[int, Samples]], first: int, last: int) -> Iterator[Samples]:
    """Samples [first, last) out of runs at rising places; gaps become silence."""
    at = first
    for place, samples in placed:
        if place >= last:
            break
        yield from _silence(place - at)
        at = max(at, place)
        part = samples[at - place : last - place]
        for begin in range(0, len(part), _CHUNK):
            yield np.ascontiguousarray(part[begin : begin + _CHUNK])
        at += len(part)
    yield from _silence(last - at)


def _silence(count: int) -> Iterator[Samples]:
    for begin in range(0, count, _CHUNK):
        yield np.zeros(min(_CHUNK, count - begin), np.int16)


def _placed(path: Path, limits: Limits, range_: TimeRange) -> Iterator[tuple[int, Samples]]:
    """Runs of samples and the sample of the timeline that each begins at."""
    with open_source(path, limits) as source:
        stream = _stream(source)
        resampler, place, next_time = _resampler(), 0, -1
        for frame, time in _frames(source, stream, range_.start - LEAD):
            expected = next_time if next_time >= 0 else time
            if next_time < 0 or abs(time - expected) * RATE > TOLERANCE * SECOND:
                if next_time >= 0:
                    yield from _run(resampler, None, place)
                resampler, place = _resampler(), round(time * RATE / SECOND)
                next_time = time
            if time >= range_.end + LEAD:
                return
            frame.pts = None
            for run_place, samples in _run(resampler, frame, place):
                yield run_place, samples
                place = run_place + len(samples)
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
        samples = part.to_ndarray()[0].astype(np.int16, copy=False)
        yield place, samples
        place += len(samples)


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


def _stream(source: Source) -> AudioStream:
    """The default sound stream, else the first."""
    streams = [s for s in source.container.streams.audio if s.codec_context is not None]
    streams.sort(key=lambda s: not Disposition(s.disposition) & Disposition.default)
    return streams[0]


def _resampler() -> av.AudioResampler:
    return av.AudioResampler(format="s16", layout="mono", rate=RATE)
