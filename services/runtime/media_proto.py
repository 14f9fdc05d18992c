"""Between the nouns of `core.media` and the messages of `vidx.media.v1`."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from vidx.media.v1 import media_pb2 as pb

from services.core import media
from services.core.jobs import Job, Outputs
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange


def duration(ns: int) -> Duration:
    return Duration(seconds=ns // SECOND, nanos=ns % SECOND) if ns >= 0 else _negative(ns)


def _negative(ns: int) -> Duration:
    return Duration(seconds=-(-ns // SECOND), nanos=-(-ns % SECOND))


def nanoseconds(d: Duration | Timestamp) -> int:
    return d.seconds * SECOND + d.nanos


def timestamp(ns: int) -> Timestamp:
    return Timestamp(seconds=ns // SECOND, nanos=ns % SECOND)


def range_to(r: TimeRange) -> pb.TimeRange:
    return pb.TimeRange(start=duration(r.start), end=duration(r.end))


def range_from(r: pb.TimeRange) -> TimeRange:
    return TimeRange(nanoseconds(r.start), nanoseconds(r.end))


def rational_to(f: Fraction | None) -> pb.Rational:
    return pb.Rational(numerator=f.numerator, denominator=f.denominator) if f is not None else pb.Rational()


def _rational(r: pb.Rational) -> Fraction | None:
    return Fraction(r.numerator, r.denominator) if r.denominator else None


def probe_to(p: media.Probe) -> pb.Probe:
    v = p.video
    return pb.Probe(
        container=p.container,
        duration=duration(p.duration),
        start=duration(p.start),
        size_bytes=p.size_bytes,
        video=pb.VideoStream(
            index=v.index,
            codec=v.codec,
            profile=v.profile,
            width=v.width,
            height=v.height,
            coded_width=v.coded_width,
            coded_height=v.coded_height,
            rotation=v.rotation,
            sample_aspect_ratio=rational_to(v.sample_aspect_ratio),
            average_frame_rate=rational_to(v.average_frame_rate),
            variable_frame_rate=v.variable_frame_rate,
            time_base=rational_to(v.time_base),
            pixel_format=v.pixel_format,
            color_space=v.color_space,
            color_transfer=v.color_transfer,
            color_primaries=v.color_primaries,
            color_range=v.color_range,
            frame_count=v.frame_count,
        ),
        audio=[
            pb.AudioStream(
                index=a.index, codec=a.codec, sample_rate=a.sample_rate, channels=a.channels, language=a.language
            )
            for a in p.audio
        ],
        subtitles=[
            pb.SubtitleStream(index=s.index, codec=s.codec, language=s.language, default=s.default, text=s.text)
            for s in p.subtitles
        ],
        chapters=[pb.FileChapter(range=range_to(c.range), title=c.title) for c in p.chapters],
    )


def probe_from(p: pb.Probe) -> media.Probe:
    v = p.video
    return media.Probe(
        container=p.container,
        duration=nanoseconds(p.duration),
        start=nanoseconds(p.start),
        size_bytes=p.size_bytes,
        video=media.VideoStream(
            index=v.index,
            codec=v.codec,
            profile=v.profile,
            width=v.width,
            height=v.height,
            coded_width=v.coded_width,
            coded_height=v.coded_height,
            rotation=v.rotation,
            sample_aspect_ratio=_rational(v.sample_aspect_ratio) or Fraction(1),
            average_frame_rate=_rational(v.average_frame_rate),
            variable_frame_rate=v.variable_frame_rate,
            time_base=_rational(v.time_base) or Fraction(1),
            pixel_format=v.pixel_format,
            color_space=v.color_space,
            color_transfer=v.color_transfer,
            color_primaries=v.color_primaries,
            color_range=v.color_range,
            frame_count=v.frame_count,
        ),
        audio=tuple(media.AudioStream(a.index, a.codec, a.sample_rate, a.channels, a.language) for a in p.audio),
        subtitles=tuple(media.SubtitleStream(s.index, s.codec, s.language, s.default, s.text) for s in p.subtitles),
        chapters=tuple(media.FileChapter(range_from(c.range), c.title) for c in p.chapters),
    )


def plan_to(p: media.Plan) -> pb.Plan:
    return pb.Plan(
        probe=probe_to(p.probe), segments=[pb.Segment(index=s.index, range=range_to(s.range)) for s in p.segments]
    )


def plan_from(p: pb.Plan) -> media.Plan:
    return media.Plan(probe_from(p.probe), tuple(media.Segment(s.index, range_from(s.range)) for s in p.segments))


def frames_to(f: media.SampledFrames) -> pb.SampledFrames:
    return pb.SampledFrames(
        tar_key=f.tar_key,
        frames=[pb.SampledFrame(pts=s.pts, time=duration(s.time), range=range_to(s.range)) for s in f.frames],
    )


def frames_from(f: pb.SampledFrames) -> media.SampledFrames:
    return media.SampledFrames(
        f.tar_key, tuple(media.SampledFrame(s.pts, nanoseconds(s.time), range_from(s.range)) for s in f.frames)
    )


_TRANSITIONS = {
    media.Transition.NONE: pb.Shot.NONE,
    media.Transition.CUT: pb.Shot.CUT,
    media.Transition.GRADUAL: pb.Shot.GRADUAL,
}
_FROM_TRANSITION = {value: key for key, value in _TRANSITIONS.items()}


def shot_to(s: media.Shot) -> pb.Shot:
    t = s.thumbnail
    thumbnail = pb.Thumbnail(key=t.key, offset=t.offset, size=t.size, time=duration(t.time)) if t else None
    return pb.Shot(index=s.index, range=range_to(s.range), transition=_TRANSITIONS[s.transition], thumbnail=thumbnail)


def shot_from(s: pb.Shot) -> media.Shot:
    t = s.thumbnail
    thumbnail = media.Thumbnail(t.key, t.offset, t.size, nanoseconds(t.time)) if s.HasField("thumbnail") else None
    transition = _FROM_TRANSITION.get(s.transition, media.Transition.NONE)
    return media.Shot(s.index, range_from(s.range), transition, thumbnail)


def shots_to(s: media.Shots) -> pb.Shots:
    return pb.Shots(shots=[shot_to(shot) for shot in s.shots])


def shots_from(s: pb.Shots) -> media.Shots:
    return media.Shots(tuple(shot_from(shot) for shot in s.shots))


def info_to(i: media.VideoInfo) -> pb.VideoInfo:
    return pb.VideoInfo(
        name=i.name,
        title=i.title,
        labels=i.labels,
        create_time=timestamp(i.created),
        subtitles_key=i.subtitles_key,
        subtitles_name=i.subtitles_name,
        transcript_key=i.transcript_key,
        shot_labels=i.shot_labels,
        chapters_key=i.chapters_key,
    )


def info_from(i: pb.VideoInfo) -> media.VideoInfo:
    return media.VideoInfo(
        name=i.name,
        title=i.title,
        created=nanoseconds(i.create_time),
        labels=dict(i.labels),
        subtitles_key=i.subtitles_key,
        subtitles_name=i.subtitles_name,
        transcript_key=i.transcript_key,
        shot_labels=tuple(i.shot_labels),
        chapters_key=i.chapters_key,
    )


def job_from(j: pb.Job) -> Job:
    return Job(
        video=VideoName.parse(j.video, "job.video"),
        step=j.step,
        segment=j.segment if j.segment >= 0 else None,
        attempt=max(1, j.attempt),
        inputs={kind: tuple(keys.keys) for kind, keys in j.inputs.items()},
    )


def outputs_to(o: Outputs) -> pb.Outputs:
    fault = pb.Fault(reason=o.fault.reason, message=o.fault.message) if o.fault else None
    artifacts = {k: pb.Keys(keys=[v]) for k, v in o.artifacts.items()}
    return pb.Outputs(artifacts=artifacts, counts=dict(o.counts), fault=fault)


CODECS: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any], type[Any]]] = {
    media.Plan: (plan_to, plan_from, pb.Plan),
    media.SampledFrames: (frames_to, frames_from, pb.SampledFrames),
    media.Shots: (shots_to, shots_from, pb.Shots),
    media.VideoInfo: (info_to, info_from, pb.VideoInfo),
}
"""Noun -> (to message, from message, message class)."""
