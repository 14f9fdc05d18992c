"""Views to the messages of `vidx.gateway.v1`."""

from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.catalog.states import VideoState
from services.core.chapters import Chapter, Chapters
from services.core.names import VideoName
from services.core.text import Cue, TranscriptTrack
from services.gateway.collections import CollectionView
from services.gateway.progress import MissingView, StageView
from services.gateway.spec import Spec
from services.gateway.texts import Description
from services.gateway.videos import VideoView
from services.pipeline.control import Removed, etag
from services.runtime.chapters_proto import SOURCES as TITLE_SOURCES
from services.runtime.chapters_proto import chapters_to
from services.runtime.media_proto import duration, range_to, timestamp
from services.runtime.text_proto import SOURCES, TRACKS, caption_to, label_to, word_to


def collection(view: CollectionView) -> pb.Collection:
    return pb.Collection(
        name=str(view.name),
        create_time=timestamp(view.created),
        video_count=view.videos,
        shot_labels=view.shot_labels,
    )


def removed(what: Removed) -> pb.Removed:
    return pb.Removed(videos=what.videos, objects=what.objects, bytes=what.bytes, rows=what.rows)


def spec_from(spec: pb.VideoSpec, file_name: str) -> Spec:
    """What is said of a new video, unchecked."""
    subtitles = (spec.subtitles.file_name, spec.subtitles.content) if spec.HasField("subtitles") else None
    return Spec(spec.title, dict(spec.labels), spec.allow_duplicate, file_name, subtitles)


def video(view: VideoView) -> pb.Video:
    row = view.row
    message = pb.Video(
        name=str(view.name),
        title=row.title,
        labels=row.labels,
        state=pb.Video.State.Value(row.state),
        stages=[stage(s) for s in view.stages],
        create_time=timestamp(row.created),
        update_time=timestamp(row.updated),
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        row_count=row.row_count if row.state == VideoState.READY else 0,
        subtitle_file=row.subtitles_name,
        missing_tracks=map(missing, view.missing),
        etag=etag(row),
    )
    if row.duration:
        message.duration.CopyFrom(duration(row.duration))
    if row.state == VideoState.READY:
        message.ready_time.CopyFrom(timestamp(row.ready))
    if row.error_reason:
        message.error.CopyFrom(pb.StageError(stage=row.error_stage, reason=row.error_reason, message=row.error_message))
    if view.remaining is not None:
        message.remaining.CopyFrom(duration(view.remaining))
    return message


def missing(view: MissingView) -> pb.MissingTrack:
    error = pb.StageError(stage=view.stage, reason=view.reason, message=view.message)
    return pb.MissingTrack(track=TRACKS[view.track], error=error)


def stage(view: StageView) -> pb.Stage:
    message = pb.Stage(
        stage=view.stage,
        state=pb.Stage.State.Value(view.state),
        done=view.done,
        total=view.total,
        progress=view.progress,
        attempts=view.attempts,
        busy=duration(view.busy),
    )
    if view.started:
        message.start_time.CopyFrom(timestamp(view.started))
    if view.ended:
        message.end_time.CopyFrom(timestamp(view.ended))
    if view.reason:
        message.error.CopyFrom(pb.StageError(stage=view.stage, reason=view.reason, message=view.message))
    return message


def segment(cue: Cue, track: TranscriptTrack) -> pb.TranscriptSegment:
    return pb.TranscriptSegment(
        range=range_to(cue.range),
        text=cue.text,
        language=track.language,
        source=SOURCES[track.source],
        confidence=cue.confidence,
        words=map(word_to, cue.words),
    )


def description(view: Description) -> pb.ShotDescription:
    return pb.ShotDescription(
        shot=view.shot,
        range=range_to(view.range),
        caption=caption_to(view.caption) if view.caption else None,
        labels=map(label_to, view.labels),
    )


def chapters(name: VideoName, found: Chapters) -> pb.ListChaptersResponse:
    message = chapters_to(found)
    return pb.ListChaptersResponse(
        chapters=[chapter(name, one) for one in found.chapters],
        writer=message.writer,
        fault=message.fault if message.HasField("fault") else None,
    )


def chapter(name: VideoName, one: Chapter) -> pb.Chapter:
    return pb.Chapter(
        name=f"{name}/chapters/{one.id}",
        range=range_to(one.range),
        title=one.title,
        locked=one.locked,
        title_source=TITLE_SOURCES[one.source],
    )
