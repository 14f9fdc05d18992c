"""Nouns of the media domain. Times are nanoseconds on the video's timeline (see `times`)."""

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from services.core.times import TimeRange


@dataclass(frozen=True)
class VideoStream:
    """The video stream of a file. Width and height are as shown: rotated, with square pixels."""

    index: int
    codec: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    time_base: Fraction
    profile: str = ""
    rotation: int = 0
    """Clockwise degrees that a player turns the picture by: 0, 90, 180 or 270."""
    sample_aspect_ratio: Fraction = Fraction(1)
    average_frame_rate: Fraction | None = None
    variable_frame_rate: bool = False
    pixel_format: str = ""
    color_space: str = ""
    color_transfer: str = ""
    color_primaries: str = ""
    color_range: str = ""
    frame_count: int = 0


@dataclass(frozen=True)
class AudioStream:
    index: int
    codec: str
    sample_rate: int
    channels: int
    language: str = ""


@dataclass(frozen=True)
class SubtitleStream:
    index: int
    codec: str
    language: str = ""
    default: bool = False
    text: bool = True
    """False for pictures of text, which are not extracted."""


@dataclass(frozen=True)
class FileChapter:
    """A chapter that a file names; the title is on one line, "" when it has none."""

    range: TimeRange
    title: str = ""


@dataclass(frozen=True)
class Probe:
    """What a file holds."""

    container: str
    duration: int
    start: int
    """Container time of the timeline's zero, in nanoseconds; may be negative."""
    size_bytes: int
    video: VideoStream
    audio: tuple[AudioStream, ...] = ()
    subtitles: tuple[SubtitleStream, ...] = ()
    chapters: tuple[FileChapter, ...] = ()
    """Those that the file names, in order, without overlap and within the duration."""


@dataclass(frozen=True)
class Segment:
    """A unit of work: a stretch of video that begins at a keyframe."""

    index: int
    range: TimeRange


@dataclass(frozen=True)
class Plan:
    """How a video is cut into units of work; the segments cover it without gap or overlap."""

    probe: Probe
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class SampledFrame:
    """A frame chosen for analysis; it stands for `range`, in which near-duplicates of it were dropped."""

    pts: int
    time: int
    range: TimeRange


@dataclass(frozen=True)
class SampledFrames:
    """The sampled frames of one segment; the JPEGs lie in the tar as `<pts>.jpg`."""

    tar_key: str
    frames: tuple[SampledFrame, ...]


class Transition(Enum):
    """How a shot begins."""

    NONE = "none"
    CUT = "cut"
    GRADUAL = "gradual"


@dataclass(frozen=True)
class Thumbnail:
    """Where a small JPEG lies inside a stored object, and the time of the frame that it shows."""

    key: str
    offset: int
    size: int
    time: int


@dataclass(frozen=True)
class Shot:
    """A stretch of film without a cut. Within a list, shots cover the range without gap or overlap."""

    index: int
    range: TimeRange
    transition: Transition = Transition.NONE
    thumbnail: Thumbnail | None = None


@dataclass(frozen=True)
class Shots:
    """The shots of a segment or of a whole video, in order."""

    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class VideoInfo:
    """What is said of a video by its owner. `created` is nanoseconds since the epoch."""

    name: str
    title: str
    created: int
    labels: dict[str, str] = field(default_factory=dict)
    subtitles_key: str = ""
    """Object key of the subtitle file that was given with the video; "" when none was."""
    subtitles_name: str = ""
    """The file's name, whose ending tells the format."""
    transcript_key: str = ""
    """Object key of the Transcript that a person put in; it counts before all other sources."""
    shot_labels: tuple[str, ...] = ()
    """Labels of the collection, looked for in every shot."""
    chapters_key: str = ""
    """Object key of the Chapters that a person set; those of them that are locked stay."""
