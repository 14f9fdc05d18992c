"""Opens a media file that nobody vouches for, with PyAV: real containers only, nothing but this file, within limits."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from services.core.errors import BadMedia, MediaLimit, NotFound, NoVideoStream, StorageFull
from services.core.times import SECOND
from services.decoding.ports import Limits

if TYPE_CHECKING:
    # Generic for the type checker only.
    AnyPacket: TypeAlias = Packet[Any]
else:
    AnyPacket = Packet

CONTAINERS = ("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "mxf", "gif")
"""FFmpeg's names. No playlist, image sequence, device or raw stream: those name other files, or have no times."""
SOUND = ("mp3", "wav", "flac", "aac")
"""Opened only to say that there is no video in them."""
LONGEST_SIDE = 65_500
"""Pixels: what a JPEG can hold."""
_ANY_PIXELS = (1 << 31) - 1
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails


@dataclass(frozen=True)
class Source:
    """An open file, the video stream that is indexed, and the container time (ns) of the timeline's zero."""

    container: InputContainer
    video: VideoStream
    zero: int
    size: int

    def time(self, pts: int, stream: Stream | None = None) -> int:
        """Nanoseconds on the timeline of a PTS of a stream; of the video's when none is given."""
        base = (stream or self.video).time_base or 1
        # As `from_pts`, to the last nanosecond, without the cost of a fraction for every packet.
        whole, rest = divmod(pts * base.numerator * SECOND, base.denominator)
        up = 2 * rest > base.denominator or (2 * rest == base.denominator and whole % 2)
        return whole + bool(up) - self.zero


@contextmanager
def open_source(path: Path, limits: Limits) -> Iterator[Source]:
    """The file, open and checked. Raises BadMedia and its kin; FFmpeg's errors inside become BadMedia."""
    size = _size(path, limits)
    with renamed(), _open(path, limits) as container:
        if len(container.streams) > limits.streams:
            raise MediaLimit(f"the file has {len(container.streams)} streams; at most {limits.streams} are opened")
        video = _video(container)
        if video.codec_context.width < 1:
            _check_header(path, limits)
        check_pixels(video.codec_context.width, video.codec_context.height, limits)
        # The decoder refuses a picture that grows beyond the limit in the middle of the stream.
        video.codec_context.options = {"max_pixels": str(limits.pixels)}
        video.thread_type = "AUTO"  # type: ignore[assignment]
        yield Source(container, video, _zero(container), size)


def check_pixels(width: int, height: int, limits: Limits) -> None:
    """Refuse a picture larger than the limit, or longer than a frame of it can be kept."""
    if max(width, height) > LONGEST_SIDE:
        raise MediaLimit(f"pictures of {width} x {height}; at most {LONGEST_SIDE} pixels a side are opened")
    if width * height > limits.pixels:
        raise MediaLimit(
            f"pictures of {width} x {height} are {width * height / 1e6:.0f} megapixels; at most "
            f"{limits.pixels / 1e6:.0f} are opened: scale the video down, or raise VIDX_DECODING_MAX_PIXELS"
        )


@contextmanager
def renamed() -> Iterator[None]:
    """FFmpeg's errors as the platform's, but for a want of memory, which is MemoryError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(f"no room for temporary files (TMPDIR): {error.strerror}") from error
        if isinstance(error, av.error.FFmpegError):
            raise _unreadable(error) from error
        raise
    except av.error.FFmpegError as error:
        if error.errno == errno.ENOMEM:
            raise MemoryError from error
        if error.errno == errno.EINVAL and isinstance(error, av.error.ArgumentError):
            raise BadMedia(
                "not a video container that is opened here: use MP4, MOV, MKV, WebM, AVI, MPEG, FLV, Ogg, WMV, MXF or "
                "GIF; playlists and lists of files are refused"
            ) from error
        raise _unreadable(error) from error


def _unreadable(error: av.error.FFmpegError) -> BadMedia:
    return BadMedia(
        f"cannot be read as a video ({error.strerror or type(error).__name__}): the file is damaged, cut off "
        "before its index, or no video"
    )


def _size(path: Path, limits: Limits) -> int:
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise NotFound("the source is gone") from error
    if size == 0:
        raise BadMedia("the file is empty")
    if size > limits.size:
        raise MediaLimit(f"the file has {size} bytes; at most {limits.size} are opened")
    return size


def _open(path: Path, limits: Limits) -> InputContainer:
    try:
        return av.open(f"file:{path}", options=_options(limits), metadata_errors="replace")
    except av.error.ArgumentError:
        # Either the container is refused, or FFmpeg met a picture beyond the limit: then say so.
        _check_header(path, limits)
        raise


def _check_header(path: Path, limits: Limits) -> None:
    """Refuse the pictures' size as the container states it, where the decoder did not take it."""
    options = _options(limits) | {"max_pixels": str(_ANY_PIXELS)}
    with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
        for stream in container.streams.video:
            if stream.codec_context is not None:
                check_pixels(stream.codec_context.width, stream.codec_context.height, limits)


def _options(limits: Limits) -> dict[str, str]:
    return {
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(CONTAINERS + SOUND),
        "max_pixels": str(limits.pixels),
        "enable_drefs": "0",
        "use_absolute_path": "0",
    }


def _video(container: InputContainer) -> VideoStream:
    """The video stream that players show: the default one, else the first. Cover pictures are none."""
    streams = [s for s in container.streams.video if not Disposition(s.disposition) & _PICTURES]
    if not streams:
        held = sorted({str(s.type) for s in container.streams}) or ["nothing"]
        raise NoVideoStream(f"no video stream: the file holds {', '.join(held)} only")
    streams.sort(key=lambda s: not Disposition(s.disposition) & Disposition.default)
    for stream in streams:
        if stream.codec_context is not None:
            return stream
    raise BadMedia("no decoder for the video stream's codec: convert it to H.264, HEVC, VP9 or AV1")


def _zero(container: InputContainer) -> int:
    """Container time of the timeline's zero: what players subtract, but exact where FFmpeg rounds to microseconds."""
    if container.start_time is None:
        return 0
    rounded = container.start_time * 1000
    for stream in container.streams:
        if stream.start_time is not None and stream.time_base:
            exact = round(stream.start_time * Fraction(stream.time_base) * SECOND)
            if abs(exact - rounded) < 1000:
                return exact
    return rounded
