"""Progress without a terminal, and what is said of a video."""

from google.protobuf.duration_pb2 import Duration
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli.progress import Lines
from services.cli.watching import cause, doing, fraction


def _video(*stages: pb.Stage, state: int = pb.Video.PROCESSING) -> pb.Video:
    return pb.Video(state=state, stages=stages)


def test_a_line_is_printed_when_the_work_changes_and_not_when_only_its_figures_do(capsys):
    lines = Lines()
    lines.show("a.mp4", "decoding 1/12, 9 s left", 0.1)
    lines.show("a.mp4", "decoding 2/12, 8 s left", 0.2)
    lines.show("b.mp4", "decoding 2/12", 0.2)
    lines.show("a.mp4", "embedding 1/12", 0.5)
    lines.done("a.mp4", "READY")
    assert capsys.readouterr().out.splitlines() == [
        "a.mp4: decoding 1/12, 9 s left",
        "b.mp4: decoding 2/12",
        "a.mp4: embedding 1/12",
        "a.mp4: READY",
    ]


def test_fraction_is_of_all_stages_and_whole_when_ready():
    half = pb.Stage(progress=0.5)
    assert fraction(_video(half, pb.Stage())) == 0.25
    assert fraction(_video(half, state=pb.Video.READY)) == 1.0
    assert fraction(_video()) == 0.0


def test_doing_names_the_stages_under_way_what_is_tried_again_and_the_time_left():
    running = pb.Stage(stage="decoding", state=pb.Stage.RUNNING, done=3, total=12)
    assert doing(_video(running)) == "decoding 3/12"
    assert doing(_video(pb.Stage(stage="decoding", state=pb.Stage.WAITING))) == "waiting"
    running.error.reason = "WORKER_LOST"
    video = _video(running)
    video.remaining.CopyFrom(Duration(seconds=4, nanos=5))
    assert doing(video) == "decoding 3/12 (again after WORKER_LOST), 5 s left"


def test_cause_names_reason_stage_and_message():
    error = pb.StageError(stage="decoding", reason="NO_VIDEO_STREAM", message="only sound")
    assert cause(pb.Video(state=pb.Video.FAILED, error=error)) == "NO_VIDEO_STREAM in decoding: only sound"
    assert cause(pb.Video(state=pb.Video.CANCELLED)) == "it is CANCELLED"
