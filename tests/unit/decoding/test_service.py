"""The stage's use cases over a folder store and a fake reader."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from services.core import artifacts as keys
from services.core.errors import BadMedia, Cancelled, Exhausted, InvalidInput, NotFound
from services.core.jobs import Job, Outputs, no_progress
from services.core.media import Plan, SampledFrames, Shots
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange, covers
from services.decoding.ports import Sampling
from services.decoding.service import Decoding, Shape
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore
from tests.fakes.decoding import PROBE, FakeReader

VIDEO = VideoName("c", "v")
SOURCE = keys.source_key(VIDEO)
SHAPE = Shape(segment=5 * SECOND)


class Stage:
    """The use cases, and jobs as the pipeline makes them."""

    def __init__(self, tmp_path: Path, reader: FakeReader | None = None, shape: Shape = SHAPE) -> None:
        self.store = ArtifactStore(FolderStore(tmp_path / "store"))
        self.store.objects.put(SOURCE, b"film")
        self.scratch = tmp_path / "scratch"
        self.scratch.mkdir(exist_ok=True)
        self.reader = reader or FakeReader()
        self.service = Decoding(self.store, self.reader, shape, self.scratch)

    def plan(self) -> Outputs:
        return self.service.plan(Job(VIDEO, "decoding.plan", inputs={"source": (SOURCE,)}), no_progress)

    def segment(self, index: int, plan: str) -> Outputs:
        job = Job(VIDEO, "decoding.segment", index, inputs={"source": (SOURCE,), "plan": (plan,)})
        return self.service.segment(job, no_progress)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def test_a_plan_covers_the_video(stage: Stage) -> None:
    outputs = stage.plan()
    plan = stage.store.load(outputs.artifacts["plan"], Plan)
    assert covers([s.range for s in plan.segments], TimeRange(0, 20 * SECOND))
    assert outputs.counts == {"segments": 4, "duration_ns": 20 * SECOND}


def test_subtitles_are_kept_as_webvtt(stage: Stage) -> None:
    data = stage.store.objects.get(stage.plan().artifacts["subtitles"])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["2.eng.vtt"]
        assert archive.read("2.eng.vtt").startswith(b"WEBVTT")


def test_without_subtitles_or_sound_there_is_no_artifact(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FakeReader(replace(PROBE, audio=()), subtitles=False))
    plan = stage.plan()
    assert set(plan.artifacts) == {"plan"}
    assert set(stage.segment(0, plan.artifacts["plan"]).artifacts) == {"frames", "jpegs", "cuts", "thumbnails"}


def test_a_segment_writes_what_its_outputs_name(stage: Stage) -> None:
    outputs = stage.segment(1, stage.plan().artifacts["plan"])
    assert set(outputs.artifacts) == {"frames", "jpegs", "cuts", "thumbnails", "audio"}
    assert stage.store.have(outputs.artifacts.values())
    frames = stage.store.load(outputs.artifacts["frames"], SampledFrames)
    assert frames.tar_key == outputs.artifacts["jpegs"]
    (shot,) = stage.store.load(outputs.artifacts["cuts"], Shots).shots
    assert shot.range == TimeRange(5 * SECOND, 10 * SECOND)
    assert shot.thumbnail is not None
    assert shot.thumbnail.key == outputs.artifacts["thumbnails"]
    assert outputs.counts == {"frames": 1, "shots": 1}


def test_work_done_is_not_done_again(stage: Stage) -> None:
    plan = stage.plan()
    first = stage.segment(0, plan.artifacts["plan"])
    asked = list(stage.reader.asked)
    assert stage.plan() == plan
    assert stage.segment(0, plan.artifacts["plan"]) == first
    assert stage.reader.asked == asked


def test_other_settings_write_beside(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    other = Stage(tmp_path, shape=Shape(5 * SECOND, Sampling(side=224)))
    plan = stage.plan().artifacts["plan"]
    assert other.plan().artifacts["plan"] == plan
    assert not set(stage.segment(0, plan).artifacts.values()) & set(other.segment(0, plan).artifacts.values())


def test_segments_become_the_videos_shots(stage: Stage) -> None:
    plan = stage.plan().artifacts["plan"]
    parts = [stage.segment(i, plan) for i in range(4)]
    inputs = {"plan": (plan,), "cuts": tuple(p.artifacts["cuts"] for p in parts)}
    outputs = stage.service.assemble(Job(VIDEO, "decoding.assemble", inputs=inputs), no_progress)
    assert outputs.counts == {"shots": 1}
    (shot,) = stage.store.load(outputs.artifacts["shots"], Shots).shots
    assert shot.range == TimeRange(0, 20 * SECOND)


def test_nothing_is_left_behind_when_reading_fails(stage: Stage) -> None:
    stage.reader.fails = BadMedia("no video stream")
    with pytest.raises(BadMedia):
        stage.plan()
    assert list(stage.scratch.iterdir()) == []
    assert [o.key for o in stage.store.objects.walk("")] == [SOURCE]


def test_a_cancelled_segment_writes_nothing(stage: Stage) -> None:
    plan = stage.plan().artifacts["plan"]
    before = [o.key for o in stage.store.objects.walk("")]

    def stopped(done: int, total: int) -> None:
        raise Cancelled("stopped by a person")

    with pytest.raises(Cancelled):
        stage.service.segment(Job(VIDEO, "decoding.segment", 0, inputs={"source": (SOURCE,), "plan": (plan,)}), stopped)
    assert [o.key for o in stage.store.objects.walk("")] == before
    assert list(stage.scratch.iterdir()) == []


def test_a_segment_beyond_the_plan_is_not_found(stage: Stage) -> None:
    with pytest.raises(NotFound, match="segment 4"):
        stage.segment(4, stage.plan().artifacts["plan"])


@pytest.mark.parametrize(("time", "height"), [(-1, 0), (0, -1), (0, 1 << 20)])
def test_a_frame_outside_is_refused_before_the_file_is_opened(stage: Stage, time: int, height: int) -> None:
    with pytest.raises(InvalidInput):
        stage.service.frame(SOURCE, time, height)
    assert stage.reader.asked == []


def test_a_source_that_is_not_there_is_not_found(stage: Stage) -> None:
    with pytest.raises(NotFound):
        stage.service.probe("collections/c/videos/none/source")


def test_a_cut_is_there_while_it_is_read_and_its_file_is_gone(stage: Stage) -> None:
    with stage.service.cut(SOURCE, [TimeRange(0, SECOND), TimeRange(2 * SECOND, 3 * SECOND)], 0, no_progress) as file:
        assert list(stage.scratch.iterdir()) == []
        assert file.read() == b"film"
    assert stage.reader.asked == [f"cut 0-{SECOND} {2 * SECOND}-{3 * SECOND} 720"]
    with stage.service.cut(SOURCE, [TimeRange(0, SECOND)], 1080, no_progress):
        pass
    assert stage.reader.asked[1].endswith(" 1080")


@pytest.mark.parametrize(("ranges", "height"), [([], 0), ([TimeRange(0, SECOND)], -1), ([TimeRange(0, SECOND)], 4321)])
def test_a_wrong_cut_is_refused_before_the_file_is_opened(stage: Stage, ranges: list[TimeRange], height: int) -> None:
    with pytest.raises(InvalidInput), stage.service.cut(SOURCE, ranges, height, no_progress):
        pass
    assert stage.reader.asked == []


@pytest.mark.parametrize("fault", [BadMedia("damaged"), Cancelled("the caller has gone")])
def test_a_cut_that_fails_leaves_nothing_and_makes_room(tmp_path: Path, fault: Exception) -> None:
    stage = Stage(tmp_path)
    service = Decoding(stage.store, stage.reader, SHAPE, stage.scratch, max_cuts=1)
    stage.reader.fails = fault
    with pytest.raises(type(fault)), service.cut(SOURCE, [TimeRange(0, SECOND)], 0, no_progress):
        pass
    assert list(stage.scratch.iterdir()) == []
    stage.reader.fails = None
    with service.cut(SOURCE, [TimeRange(0, SECOND)], 0, no_progress):
        with pytest.raises(Exhausted), service.cut(SOURCE, [TimeRange(0, SECOND)], 0, no_progress):
            pass
        assert stage.service.frame(SOURCE, 0)[1] == 0
    with service.cut(SOURCE, [TimeRange(0, SECOND)], 0, no_progress) as file:
        assert file.read() == b"film"
