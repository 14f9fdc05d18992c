"""An MP4 file that is written: H.264 and AAC, at exact times, within a size, with PyAV."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec import codecs_available
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from services.core.errors import Conflict, InvalidInput, StorageFull
from services.decoding.domain.cutting import TICKS
from services.decoding.pyav_audio import Form, Samples
from services.decoding.pyav_open import AnyPacket

ENCODER: Final = "libx264"
LEAST_FREE = 256 << 20
"""Bytes of the disk that are left to others."""
THREADS = 4
MOST_RATE = 120
BITS_A_CHANNEL = 64_000
_LOOK_EACH = 256
"""Packets between two looks at the disk."""
_BT709, _LIMITED = 1, 1
_OPTIONS = {
    "preset": "veryfast",
    "crf": "23",
    # Frames in order of time: no player has to know about edit lists to show each at its time.
    "bf": "0",
    "g": "120",
    "forced-idr": "1",
}
_CONTAINER = {"movflags": "+faststart", "movie_timescale": str(TICKS)}


@contextmanager
def written(path: Path, most_bytes: int) -> Iterator["FilmFile"]:
    """A file to write to, whole when the block ends. FFmpeg's errors are for the caller to rename."""
    if ENCODER not in codecs_available:
        raise Conflict(f"FFmpeg has no {ENCODER} here, which films are written with: use PyAV as it comes from PyPI")
    with av.open(str(path), "w", format="mp4", options=_CONTAINER) as container:
        film = FilmFile(container, path, most_bytes)
        yield film
        film.finish()


class FilmFile:
    """The file under way. The streams are added before anything is written."""

    def __init__(self, container: OutputContainer, path: Path, most_bytes: int) -> None:
        self._container = container
        self._folder = path.parent
        self._most_bytes = most_bytes
        self._video: VideoStream | None = None
        self._audio: AudioStream | None = None
        self._form: Form | None = None
        self._lengths: dict[int, int] = {}
        """Ticks that each frame in the encoder is shown, by when it begins."""
        self._bytes = self._packets = 0

    def add_video(self, width: int, height: int, rate: Fraction | None, like: VideoFrame) -> None:
        """A stream of pictures of this size, BT.709; `rate`, about how many come a second, is a hint at most."""
        hint = rate if rate and 1 <= rate <= MOST_RATE else 25
        stream = self._container.add_stream(ENCODER, rate=hint)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = stream.time_base = Fraction(1, TICKS)
        context.colorspace, context.color_range = _BT709, _LIMITED
        context.color_primaries, context.color_trc = like.color_primaries, like.color_trc
        context.thread_count = THREADS
        stream.options = dict(_OPTIONS)
        self._video = stream

    def add_sound(self, form: Form) -> None:
        """A stream of sound."""
        stream = self._container.add_stream("aac", rate=form.rate, layout=form.layout)
        stream.bit_rate = BITS_A_CHANNEL * form.channels
        self._audio, self._form = stream, form

    def show(self, picture: VideoFrame, at: int, length: int, first: bool) -> None:
        """A picture from tick `at` on, for so many ticks; `first` where a part begins, for players to go to."""
        assert self._video is not None
        picture.pts, picture.time_base = at, Fraction(1, TICKS)
        picture.pict_type = PictureType.I if first else PictureType.NONE
        self._lengths[at] = length
        self._mux(self._video.encode(picture))

    def sound(self, samples: Samples, at: int) -> None:
        """Samples from sample `at` on."""
        assert self._audio is not None
        assert self._form is not None
        frame = AudioFrame.from_ndarray(samples, format=self._form.format, layout=self._form.layout)
        frame.sample_rate, frame.pts, frame.time_base = self._form.rate, at, Fraction(1, self._form.rate)
        self._mux(self._audio.encode(frame))

    def finish(self) -> None:
        for stream in (self._video, self._audio):
            if stream is not None:
                self._mux(stream.encode(None))

    def _mux(self, packets: list[AnyPacket]) -> None:
        for packet in packets:
            if self._video is not None and packet.stream is self._video and packet.pts is not None:
                packet.duration = self._lengths.pop(packet.pts)
            self._bytes += packet.size
            self._packets += 1
            if self._bytes > self._most_bytes:
                rule = f"together they make more than {self._most_bytes} bytes; ask for less, or a lower max_height"
                raise InvalidInput(f"ranges: {rule}", fields={"ranges": rule})
            if self._packets % _LOOK_EACH == 1 and shutil.disk_usage(self._folder).free < LEAST_FREE:
                raise StorageFull(f"no room for temporary files in {self._folder.parent}")
            self._container.mux(packet)
