"""What a file holds, by reading its packets and decoding one picture, with PyAV."""

import heapq
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av.error
from av.audio.stream import AudioStream as AvAudio
from av.subtitles.stream import SubtitleStream as AvSubtitle
from av.video.frame import VideoFrame

from services.core.errors import BadMedia, MediaLimit
from services.core.media import AudioStream, Probe, SubtitleStream, VideoStream
from services.core.times import MILLISECOND, SECOND
from services.decoding.domain import chapters
from services.decoding.ports import Inspection, Limits
from services.decoding.pyav_frames import decode
from services.decoding.pyav_open import AnyPacket, Source, open_source
from services.decoding.pyav_pictures import orientation, pixel_aspect, shown_size
from services.decoding.pyav_subtitles import TEXT_CODECS, SubtitleFiles

LEAST_FRAME = 40 * MILLISECOND
"""How long a frame is shown when the file says neither that nor a frame rate."""
_NEAR = SECOND
_REORDER = 32

_SPACES = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco"} | {
    9: "bt2020nc",
    10: "bt2020c",
    14: "ictcp",
}
_TRANSFERS = {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear"} | {
    11: "iec61966-2-4",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    18: "arib-std-b67",
}
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020"} | {
    11: "smpte431",
    12: "smpte432",
}
_RANGES = {1: "tv", 2: "pc"}


@dataclass
class PacketFigures:
    """What a pass over the video's packets tells, in ticks of its time base; bounded memory."""

    count: int = 0
    last: int | None = None
    """Largest PTS."""
    first: int = 0
    """Smallest PTS."""
    last_length: int = 0
    end: int = 0
    """Largest PTS plus length."""
    shortest: int = 0
    longest: int = 0
    """Gaps between neighbouring frames."""
    _waiting: list[int] = field(default_factory=list)
    _before: int | None = None

    def add(self, pts: int, length: int) -> None:
        """Take the next packet; they come in order of decoding."""
        self.count += 1
        self.first = min(self.first, pts) if self.last is not None else pts
        self.end = max(self.end, pts + length) if self.last is not None else pts + length
        if self.last is None or pts > self.last:
            self.last, self.last_length = pts, length
        heapq.heappush(self._waiting, pts)
        if len(self._waiting) > _REORDER:
            self._gap(heapq.heappop(self._waiting))

    def finish(self) -> None:
        """No more packets."""
        while self._waiting:
            self._gap(heapq.heappop(self._waiting))

    @property
    def variable(self) -> bool:
        """True when gaps differ by more than the rounding of times to ticks."""
        return self.longest - self.shortest > (1 if self.shortest >= 4 else 0)

    def _gap(self, pts: int) -> None:
        if self._before is not None and pts > self._before:
            gap = pts - self._before
            self.shortest = min(self.shortest, gap) if self.shortest else gap
            self.longest = max(self.longest, gap)
        self._before = pts


def inspect(path: Path, limits: Limits, folder: Path | None) -> Inspection:
    """Read every packet of the video; write text subtitles into `folder` unless it is None."""
    first = first_frame(path, limits)
    with open_source(path, limits) as source:
        texts = [s for s in source.container.streams.subtitles if _codec(s) in TEXT_CODECS] if folder else []
        subtitles = SubtitleFiles(folder, source, texts) if folder else None
        figures, keyframes = PacketFigures(), [0]
        try:
            for packet in source.container.demux(source.video, *texts):
                if not packet.size:
                    continue
                if packet.stream_index != source.video.index:
                    if subtitles is not None:
                        subtitles.add(packet)
                    continue
                _add(source, figures, keyframes, packet, limits)
        except av.error.FFmpegError:
            # A cut-off file: what was read so far is what there is.
            pass
        figures.finish()
        if figures.last is None:
            raise BadMedia("the video stream holds no frames")
        duration = _end(source, figures)
        if duration > limits.duration:
            raise _too_long(limits)
        files = subtitles.close(duration) if subtitles is not None else []
        return Inspection(_probe(source, figures, duration, first), keyframes, files)


def first_frame(path: Path, limits: Limits) -> VideoFrame:
    """The first frame that decodes, or BadMedia."""
    with open_source(path, limits) as source:
        for shown in decode(source, limits, source.container.demux(source.video)):
            return shown.frame
    raise BadMedia("no frame of the video stream can be decoded: the file is damaged or cut off")


def frame_length(source: Source, length: int, pts_gap: int = 0) -> int:
    """Nanoseconds that a last frame is shown: its own length, else one at the average rate, else the gap before it."""
    base = Fraction(source.video.time_base or 1)
    if length > 0:
        return max(1, round(length * base * SECOND))
    if source.video.average_rate:
        return max(1, round(SECOND / Fraction(source.video.average_rate)))
    return max(1, round(pts_gap * base * SECOND)) if pts_gap > 0 else LEAST_FRAME


def _add(source: Source, figures: PacketFigures, keyframes: list[int], packet: AnyPacket, limits: Limits) -> None:
    pts = packet.pts if packet.pts is not None else packet.dts
    if pts is None or packet.is_discard:
        return
    figures.add(pts, packet.duration or 0)
    time = source.time(pts)
    if time > limits.duration:
        raise _too_long(limits)
    if packet.is_keyframe and time >= keyframes[-1] + _NEAR:
        keyframes.append(time)


def _end(source: Source, figures: PacketFigures) -> int:
    """End of the last frame on the timeline; always after zero."""
    last = figures.last or 0
    if figures.last_length <= 0:
        return max(1, source.time(last) + frame_length(source, 0, figures.shortest), source.time(figures.end))
    return max(1, source.time(figures.end))


def _too_long(limits: Limits) -> MediaLimit:
    hours = limits.duration / SECOND / 3600
    return MediaLimit(f"the video is longer than {hours:g} h: cut it, or raise VIDX_DECODING_MAX_DURATION_S")


def _probe(source: Source, figures: PacketFigures, duration: int, first: VideoFrame) -> Probe:
    video, context = source.video, source.video.codec_context
    aspect = pixel_aspect(video.sample_aspect_ratio)
    rotation, _ = orientation(first)
    width, height = shown_size(first.width, first.height, aspect, rotation)
    return Probe(
        container=source.container.format.name,
        duration=duration,
        start=source.zero,
        size_bytes=source.size,
        video=VideoStream(
            index=video.index,
            codec=_codec(video),
            width=width,
            height=height,
            coded_width=first.width,
            coded_height=first.height,
            time_base=Fraction(video.time_base or 1),
            profile=context.profile or "",
            rotation=rotation,
            sample_aspect_ratio=aspect,
            average_frame_rate=_rate(source, figures, duration),
            variable_frame_rate=figures.variable,
            pixel_format=first.format.name,
            color_space=_SPACES.get(int(first.colorspace), ""),
            color_transfer=_TRANSFERS.get(int(first.color_trc), ""),
            color_primaries=_PRIMARIES.get(int(first.color_primaries), ""),
            color_range=_RANGES.get(int(first.color_range), ""),
            frame_count=figures.count,
        ),
        audio=tuple(_audio(s) for s in source.container.streams.audio if _codec(s)),
        subtitles=tuple(_subtitle(s) for s in source.container.streams.subtitles),
        chapters=chapters.listed(source.container.chapters(), source.zero, duration),
    )


def _rate(source: Source, figures: PacketFigures, duration: int) -> Fraction:
    """Frames by the time from the first one's beginning to the last one's end."""
    ticks = figures.end - figures.first if figures.last_length else 0
    if ticks <= 0:
        return (Fraction(figures.count) * SECOND / duration).limit_denominator(1_000_000)
    return figures.count / (ticks * Fraction(source.video.time_base or 1))


def _codec(stream: VideoStream | AvAudio | AvSubtitle | object) -> str:
    """FFmpeg's codec name; empty when there is no decoder."""
    context = getattr(stream, "codec_context", None)
    return str(context.codec.canonical_name) if context is not None else ""


def _audio(stream: AvAudio) -> AudioStream:
    context = stream.codec_context
    return AudioStream(stream.index, _codec(stream), context.sample_rate, context.channels, stream.language or "")


def _subtitle(stream: AvSubtitle) -> SubtitleStream:
    codec = _codec(stream)
    default = bool(stream.disposition & 1)
    return SubtitleStream(stream.index, codec, stream.language or "", default, codec in TEXT_CODECS)
