"""What runs in the child process: the port's operations with PyAV, plain data in and out."""

from collections.abc import Sequence
from pathlib import Path

from services.core.errors import BadMedia, InvalidInput
from services.core.media import Probe
from services.core.times import TimeRange, to_seconds
from services.decoding.domain.cutting import Part
from services.decoding.ports import Inspection, Limits, Sampling, SegmentFiles
from services.decoding.pyav_cut import cut_film
from services.decoding.pyav_frames import Shown, frames_from
from services.decoding.pyav_open import renamed
from services.decoding.pyav_pictures import Painter, jpeg, pixel_aspect
from services.decoding.pyav_probe import frame_length, inspect
from services.decoding.pyav_segment import decode_segment

FRAME_QUALITY = 92


def probe(path: Path, limits: Limits) -> Probe:
    """See `ports.MediaReader.probe`."""
    with renamed():
        return inspect(path, limits, None).probe


def inspect_file(path: Path, limits: Limits, folder: Path) -> Inspection:
    """See `ports.MediaReader.inspect`."""
    with renamed():
        return inspect(path, limits, folder)


def segment(
    path: Path, limits: Limits, sampling: Sampling, range_: TimeRange, sound: bool, folder: Path
) -> SegmentFiles:
    """See `ports.MediaReader.segment`."""
    with renamed():
        return decode_segment(path, limits, sampling, range_, sound, folder)


def frame(path: Path, limits: Limits, time: int, max_height: int) -> tuple[bytes, int]:
    """See `ports.MediaReader.frame`."""
    with renamed():
        return _frame(path, limits, time, max_height)


def cut(path: Path, limits: Limits, parts: Sequence[Part], max_height: int, most_bytes: int, target: Path) -> None:
    """See `ports.MediaReader.cut`."""
    with renamed():
        cut_film(path, limits, parts, max_height, most_bytes, target)


def _frame(path: Path, limits: Limits, time: int, max_height: int) -> tuple[bytes, int]:
    for source, at_start, frames in frames_from(path, limits, time):
        shown: Shown | None = None
        for later in frames:
            if later.time > time and shown is not None:
                break
            shown = later
            if later.time > time and at_start:
                break
        else:
            if shown is not None:
                end = shown.time + max(frame_length(source, shown.frame.duration or 0), 0)
                if time >= end:
                    raise InvalidInput(
                        f"time {to_seconds(time):.3f} s lies beyond the video, which ends at {to_seconds(end):.3f} s",
                        fields={"time": "within [0, duration)"},
                    )
        if shown is not None:
            painter = Painter(pixel_aspect(source.video.sample_aspect_ratio))
            return jpeg(painter.tall(shown.frame, max_height), FRAME_QUALITY), min(shown.time, time)
    raise BadMedia("no frame of the video stream can be decoded there: the file is damaged or cut off")
