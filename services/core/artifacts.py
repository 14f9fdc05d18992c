"""The map of the bucket: every kind of artifact, who writes it, who reads it, and its key.

    collections/{collection}/videos/{video}/source
    collections/{collection}/videos/{video}/{writer}/{kind}-{digest}.{suffix}             of the whole video
    collections/{collection}/videos/{video}/{writer}/{kind}/{segment}-{digest}.{suffix}   of one segment
    uploads/{collection}/{digest of the request id}/{offset}                              an upload under way

The digest is of what the artifact was made from: its inputs' keys, which hold digests themselves, the parameters and
the model. So the same work finds its output, and other work never overwrites it.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from services.core.jobs import Job
from services.core.names import VideoName


@dataclass(frozen=True)
class Kind:
    """A kind of artifact."""

    name: str
    writer: str
    readers: tuple[str, ...]
    suffix: str
    what: str


_KINDS = (
    Kind(
        "info",
        "gateway",
        ("transcription", "captioning", "embedding", "chaptering", "search"),
        "pb",
        "VideoInfo: title, labels, time added, what was given with it",
    ),
    Kind("subtitle_file", "gateway", ("transcription",), "bin", "the subtitle file given with the video, as it is"),
    Kind("edited_transcript", "gateway", ("transcription",), "pb", "Transcript that a person put in"),
    Kind("edited_chapters", "gateway", ("chaptering", "gateway"), "pb", "Chapters that a person set"),
    Kind(
        "plan",
        "decoding",
        ("decoding", "transcription", "captioning", "chaptering", "search", "gateway"),
        "pb",
        "Plan: probe and segments",
    ),
    Kind("subtitles", "decoding", ("transcription",), "zip", "a WebVTT file a text subtitle stream"),
    Kind("frames", "decoding", ("embedding", "captioning", "chaptering", "search"), "pb", "SampledFrames of a segment"),
    Kind("jpegs", "decoding", ("embedding", "captioning"), "tar", "JPEGs of a segment's sampled frames"),
    Kind("cuts", "decoding", ("decoding",), "pb", "Shots of a segment"),
    Kind("thumbnails", "decoding", ("gateway",), "tar", "small JPEGs, one a shot of a segment"),
    Kind("audio", "decoding", ("transcription",), "flac", "16 kHz mono sound of a segment"),
    Kind(
        "shots",
        "decoding",
        ("embedding", "captioning", "chaptering", "search", "gateway"),
        "pb",
        "Shots of the video",
    ),
    Kind(
        "frame_vectors",
        "embedding",
        ("embedding", "captioning", "chaptering", "search"),
        "npz",
        "a unit vector a sampled frame",
    ),
    Kind("frame_classes", "embedding", ("captioning",), "npz", "the encoder's likeliest classes of a sampled frame"),
    Kind(
        "shot_vectors", "embedding", ("captioning", "chaptering", "search"), "npz", "a unit vector a shot of the video"
    ),
    Kind("subtitle_cues", "transcription", ("transcription",), "pb", "Transcript from subtitles; empty without any"),
    Kind("heard", "transcription", ("transcription",), "pb", "Transcript of a segment from speech recognition"),
    Kind("transcript", "transcription", ("embedding", "chaptering", "gateway"), "pb", "Transcript of the video"),
    Kind("readings", "captioning", ("captioning",), "pb", "OnScreenText of a segment"),
    Kind("descriptions", "captioning", ("captioning",), "pb", "Captions of a segment's shots"),
    Kind("on_screen_text", "captioning", ("embedding", "chaptering", "gateway"), "pb", "OnScreenText of the video"),
    Kind("captions", "captioning", ("embedding", "gateway"), "pb", "Captions of the video"),
    Kind("shot_labels", "captioning", ("search", "gateway"), "pb", "ShotLabels: the collection's labels, found"),
    Kind("passages", "embedding", ("chaptering", "search"), "pb", "Passages: every text of the video but its title"),
    Kind(
        "passage_vectors",
        "embedding",
        ("chaptering", "search"),
        "npz",
        "a unit vector a passage, in the sentence space",
    ),
    Kind("chapters", "chaptering", ("chaptering", "gateway"), "pb", "Chapters of the video"),
    Kind("summaries", "chaptering", ("gateway",), "pb", "Summaries of the video and of its chapters"),
    Kind("title_vectors", "embedding", ("search",), "npz", "the title's unit vector, in the sentence space"),
)
KINDS = {kind.name: kind for kind in _KINDS}


def digest(*parts: object) -> str:
    """16 hex digits of the parts; any change of an input, a parameter or a model changes it."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def job_digest(job: Job, parameters: object) -> str:
    """Digest of a job's work: its step, its inputs and the parameters that shape the output."""
    return digest(job.step, job.segment, {k: list(v) for k, v in job.inputs.items()}, parameters)


def key(video: VideoName, kind: str, digest_: str, segment: int | None = None) -> str:
    """Object key of an artifact."""
    k = KINDS[kind]
    name = f"{kind}-{digest_}" if segment is None else f"{kind}/{segment:06d}-{digest_}"
    return f"{prefix(video)}{k.writer}/{name}.{k.suffix}"


def segment_of(key: str) -> int | None:
    """The segment that a key of `key` names; None for one of the whole video."""
    number = key.rsplit("/", 1)[-1].split("-")[0]
    return int(number) if number.isdecimal() else None


def prefix(video: VideoName) -> str:
    """Begins every key of a video."""
    return f"{video}/"


def source_key(video: VideoName) -> str:
    return f"{prefix(video)}source"


UPLOADS = "uploads/"
"""Begins the key of every part of every upload under way."""


def upload_prefix(collection: str, request_id: str) -> str:
    """Begins every key of an upload under way."""
    return f"{UPLOADS}{collection}/{hashlib.sha256(request_id.encode()).hexdigest()[:32]}/"


def part_key(upload_prefix: str, offset: int, stream: str = "") -> str:
    """Of the part of an upload that begins at a byte of its file, and of the stream that brings it if there may be
    several; keys are in the order of the file."""
    return f"{upload_prefix}{offset:020d}" + (f"-{stream}" if stream else "")


def part_offset(upload_prefix: str, key: str) -> int:
    """The byte of the file at which a part begins."""
    return int(key.removeprefix(upload_prefix).partition("-")[0])


def job_keys(job: Job, kinds: Iterable[str], parameters: object) -> dict[str, str]:
    """The keys of what a job writes, by kind."""
    d = job_digest(job, parameters)
    return {kind: key(job.video, kind, d, job.segment) for kind in kinds}
