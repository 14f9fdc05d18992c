"""What the decoding stage needs from outside: something that opens media files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from services.core.jobs import Progress
from services.core.media import Plan, Probe, SampledFrame, Shot
from services.core.times import TimeRange
from services.decoding.domain.cutting import Part


@dataclass(frozen=True)
class Limits:
    """The largest file that is opened; MediaLimit beyond."""

    pixels: int = 36_000_000
    duration: int = 24 * 3600 * 1_000_000_000
    """Nanoseconds."""
    streams: int = 64
    size: int = 64 << 30
    """Bytes."""


@dataclass(frozen=True)
class Sampling:
    """What shapes a segment's frames and pictures."""

    interval: int = 1_000_000_000
    """Nanoseconds between frames of the grid."""
    side: int = 336
    """Pixels of a sampled frame's shorter side, at most."""
    quality: int = 90
    """JPEG quality, 1 to 95."""
    threshold: float = 2.5
    """Least difference (see `domain.signature.perceived`) that keeps a frame beside the one before it."""
    thumbnail: int = 180
    """Pixels of a thumbnail's height, at most."""


@dataclass(frozen=True)
class Inspection:
    """What was found without decoding more than one picture."""

    probe: Probe
    keyframes: list[int]
    """Times that rise; of keyframes that lie close together the first."""
    subtitles: list[Path]
    """A WebVTT file a text stream that has cues, named `<stream index>.<language>.vtt`."""


@dataclass(frozen=True)
class SegmentFiles:
    """What was made of a segment. Thumbnails carry an empty key."""

    frames: list[SampledFrame]
    shots: list[Shot]
    jpegs: Path
    thumbnails: Path
    audio: Path | None


class MediaReader(Protocol):
    """Opens media files. Raises BadMedia and its kin, TimedOut, WorkerLost.

    Files are written into the given folder, which the caller removes.
    """

    def probe(self, path: Path) -> Probe:
        """What the file holds."""

    def inspect(self, path: Path, folder: Path) -> Inspection:
        """What the file holds, where it may be cut into segments, and its text subtitles."""

    def segment(self, path: Path, plan: Plan, range_: TimeRange, folder: Path, progress: Progress) -> SegmentFiles:
        """Everything of the part [start, end) of the timeline."""

    def frame(self, path: Path, time: int, max_height: int) -> tuple[bytes, int]:
        """JPEG of the frame shown at a time, and when that frame begins; InvalidInput beyond the last frame."""

    def cut(self, path: Path, parts: Sequence[Part], max_height: int, target: Path, progress: Progress) -> None:
        """Write the parts, one after another, as an MP4 of H.264 and, when there is sound, AAC.

        The picture shown at a part's start is its first, and sound is cut at its samples. Raises InvalidInput for a
        part beyond the video, or more bytes than may be; what `progress` raises ends the work.
        """
