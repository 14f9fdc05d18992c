"""Every mismatch between catalog, store and index is found and named, and mended where that can be; nothing else is."""

import hashlib

import pytest

from services.catalog.models import Upload
from services.core import artifacts
from services.core.errors import Unavailable
from services.core.names import VideoName
from services.core.times import SECOND
from services.pipeline import ledger
from services.pipeline.doctor import Doctor, Finding, Problem
from services.pipeline.ports import Rows
from tests.fakes.house import House

FILM = b"film"


@pytest.fixture
def name(house: House) -> VideoName:
    """A READY video whose objects and rows are where the catalog says."""
    return ready(house, "v")


def ready(house: House, video: str) -> VideoName:
    name = house.add(video, hashlib.sha256(FILM + video.encode()).hexdigest())
    house.store.objects.put(artifacts.source_key(name), FILM + video.encode())
    work(house, name)
    assert house.state(name) == "READY"
    return name


def work(house: House, name: VideoName) -> None:
    """Workers that write what they report, until the video is READY."""
    house.work()
    write_outputs(house, name)
    house.index.rows[name] = house.video(name).row_count


def write_outputs(house: House, name: VideoName) -> None:
    for job in house.jobs(name).values():
        for key in job.artifacts.values():
            house.store.objects.put(key, b"x")


def found(house: House, *, deep: bool = False) -> list[Finding]:
    return list(house.doctor(deep=deep).examine())


def problems(house: House) -> list[tuple[Problem, str]]:
    return [(finding.problem, finding.name) for finding in found(house)]


def mend(house: House, name: VideoName) -> None:
    """Mend what can be, and let the workers work."""
    for finding in found(house):
        if finding.mend:
            finding.mend()
    house.pipeline.dispatch()
    work(house, name)


def test_a_sound_platform_has_no_findings_and_is_counted(house: House, name: VideoName) -> None:
    doctor = house.doctor(deep=True)
    assert list(doctor.examine()) == []
    assert (doctor.looked.videos, doctor.looked.rows) == (1, 7)
    assert doctor.looked.objects == sum(1 for _ in house.store.objects.walk(""))


def test_work_under_way_is_no_finding(house: House) -> None:
    name = house.add("busy")
    house.work(until="decoding.assemble")
    write_outputs(house, name)
    with house.database.write() as session:
        session.add(Upload(collection="c", request_id="r", planned="coming", updated=ledger.now()))
    house.store.objects.put(artifacts.source_key(VideoName("c", "coming")), b"its source is there before its entry")
    house.store.objects.put(artifacts.upload_prefix("c", "r") + "0", b"a part")
    assert found(house) == []


def test_a_removed_video_that_is_still_swept_is_no_finding(house: House, name: VideoName) -> None:
    house.control.remove(name)
    house.store.objects.put(artifacts.source_key(name), b"written late")
    house.index.rows[name] = 3
    assert found(house) == []


def test_a_lost_source_is_named_and_cannot_be_mended(house: House, name: VideoName) -> None:
    house.store.objects.delete([artifacts.source_key(name)])
    (finding,) = found(house)
    assert (finding.problem, finding.name, finding.mend) == (Problem.SOURCE_LOST, str(name), None)
    assert "add it again" in finding.detail


def test_a_changed_source_is_found_when_sources_are_read(house: House, name: VideoName) -> None:
    house.store.objects.put(artifacts.source_key(name), b"other bytes")
    assert found(house) == []
    (finding,) = found(house, deep=True)
    assert (finding.problem, finding.mend) == (Problem.SOURCE_CHANGED, None)


def test_a_lost_artifact_is_made_again(house: House, name: VideoName) -> None:
    lost = house.jobs(name)["embedding.segment", 1].artifacts["frame_vectors"]
    house.store.objects.delete([lost])
    (finding,) = found(house)
    assert (finding.problem, finding.detail) == (Problem.ARTIFACTS_LOST, "frame_vectors")
    house.queue.sent.clear()
    mend(house, name)
    again = {(job.step, job.segment) for job in house.queue.sent}
    assert ("embedding.segment", 1) in again
    assert ("embedding.segment", 0) not in again
    assert not {step for step, _ in again if step.startswith("decoding.")}
    assert (house.state(name), found(house)) == ("READY", [])


def test_what_is_said_of_a_video_is_written_again(house: House, name: VideoName) -> None:
    house.store.objects.delete([house.video(name).info_key])
    assert [(f.problem, f.detail) for f in found(house)] == [(Problem.ARTIFACTS_LOST, "info")]
    mend(house, name)
    assert found(house) == []


def test_a_lost_subtitle_file_is_named(house: House, name: VideoName) -> None:
    with house.database.write() as session:
        video = ledger.find(session, name)
        assert video is not None
        video.subtitles_key = f"{name}/gateway/subtitle_file-0.bin"
    (finding,) = found(house)
    assert (finding.problem, finding.mend) == (Problem.GIVEN_LOST, None)


@pytest.mark.parametrize("rows", [0, 6, 8])
def test_rows_that_are_not_those_that_were_counted_are_written_again(house: House, name: VideoName, rows: int) -> None:
    house.index.rows[name] = rows
    (finding,) = found(house)
    assert (finding.problem, finding.detail) == (Problem.ROWS_WRONG, f"{rows} rows in the index, 7 were counted")
    mend(house, name)
    assert (house.state(name), found(house)) == ("READY", [])


def test_lost_rows_are_found_after_the_clock_was_set_back(house: House, name: VideoName) -> None:
    with house.database.write() as session:
        video = ledger.find(session, name)
        assert video is not None
        video.updated = ledger.now() + 3600 * SECOND
    house.index.rows[name] = 0
    house.store.objects.put(f"{name}/embedding/frame_vectors/000000-0123456789abcdef.npz", b"of an earlier model")
    assert {problem for problem, _ in problems(house)} == {Problem.ROWS_WRONG, Problem.OBJECTS_WITHOUT_USE}


def test_lost_rows_of_a_video_that_was_indexed_and_is_not_ready_yet_are_written_again(
    house: House, name: VideoName
) -> None:
    with house.database.write() as session:
        video = ledger.find(session, name)
        assert video is not None
        video.state = "PROCESSING"
        next(j for j in ledger.jobs_of(session, video) if j.step == "captioning.assemble").state = "WAITING"
    assert found(house) == []
    house.index.rows[name] = 0
    (finding,) = found(house)
    assert (finding.problem, finding.detail) == (Problem.ROWS_WRONG, "0 rows in the index, 7 were counted")
    mend(house, name)
    assert (house.state(name), found(house)) == ("READY", [])


def test_a_video_that_changed_since_its_rows_were_counted_is_looked_at_the_next_time(
    house: House, name: VideoName, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.index.rows[name] = 0
    census = house.index.census

    def meanwhile() -> dict[VideoName, Rows]:
        rows = census()
        with house.database.write() as session:
            video = ledger.find(session, name)
            assert video is not None
            video.updated -= 1
        return rows

    monkeypatch.setattr(house.index, "census", meanwhile)
    assert found(house) == []


def test_a_video_that_was_indexed_by_two_models_fits_by_either(house: House, name: VideoName) -> None:
    assert Rows((4, 9), (3,)).fit(7)
    assert Rows((4, 9), (3,)).fit(12)
    assert Rows((4,), ()).fit(4)
    assert not Rows((4, 9), (3,)).fit(16)


def test_objects_that_nothing_names_are_removed(house: House, name: VideoName) -> None:
    old = f"{name}/embedding/frame_vectors/000000-0123456789abcdef.npz"
    house.store.objects.put(old, b"of an earlier model")
    (finding,) = found(house)
    assert (finding.problem, finding.detail) == (
        Problem.OBJECTS_WITHOUT_USE,
        "1 objects, such as embedding/frame_vectors/000000-0123456789abcdef.npz",
    )
    mend(house, name)
    assert (house.store.objects.stat(old), found(house)) == (None, [])


def test_objects_are_not_removed_when_the_video_has_changed_meanwhile(house: House, name: VideoName) -> None:
    new = f"{name}/embedding/shot_vectors-0123456789abcdef.npz"
    house.store.objects.put(new, b"named a moment later")
    (finding,) = found(house)
    assert finding.mend is not None
    house.control.retry(name, "embedding")
    finding.mend()
    assert house.store.objects.stat(new) is not None


def test_objects_and_rows_of_unknown_videos_are_removed(house: House, name: VideoName) -> None:
    stranger, ghost = VideoName("gone", "s"), VideoName("c", "ghost")
    house.store.objects.put(artifacts.source_key(stranger), b"x")
    house.index.rows[ghost] = 2
    assert problems(house) == [
        (Problem.OBJECTS_WITHOUT_VIDEO, str(stranger)),
        (Problem.ROWS_WITHOUT_VIDEO, str(ghost)),
    ]
    mend(house, name)
    assert (found(house), ghost in house.index.rows) == ([], False)


def test_parts_of_unknown_uploads_are_removed(house: House, name: VideoName) -> None:
    prefix = artifacts.upload_prefix("c", "forgotten")
    house.store.objects.put(prefix + "0", b"x")
    assert problems(house) == [(Problem.UPLOAD_WITHOUT_ENTRY, prefix)]
    mend(house, name)
    assert found(house) == []


def test_a_video_that_is_ready_too_early_is_finished(house: House, name: VideoName) -> None:
    with house.database.write() as session:
        video = ledger.find(session, name)
        assert video is not None
        job = next(j for j in ledger.jobs_of(session, video) if j.step == "captioning.assemble")
        job.state = "WAITING"
    (finding,) = found(house)
    assert (finding.problem, finding.detail) == (Problem.NOT_READY, "captioning.assemble")
    mend(house, name)
    assert (house.state(name), found(house)) == ("READY", [])


def test_a_lost_artifact_of_a_stopped_video_is_made_when_somebody_retries_it(house: House) -> None:
    name = house.add("stopped")
    house.work(until="embedding.segment")
    write_outputs(house, name)
    house.control.cancel(name)
    house.store.objects.delete([house.jobs(name)["decoding.segment", 0].artifacts["frames"]])
    (finding,) = found(house)
    assert finding.mend is not None
    finding.mend()
    assert (house.state(name), house.jobs(name)["decoding.segment", 0].state) == ("CANCELLED", "WAITING")
    house.queue.sent.clear()
    house.queue.messages.clear()
    house.control.retry(name, "")
    house.pipeline.dispatch()
    assert ("decoding.segment", 0) in {(job.step, job.segment) for job in house.queue.sent}


def test_more_videos_than_a_page_are_all_looked_at(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.pipeline.doctor.PAGE", 2)
    for number in range(5):
        house.add(f"v{number}")
    doctor: Doctor = house.doctor()
    assert list(doctor.examine()) == []
    assert doctor.looked.videos == 5


def test_files_of_others_in_the_bucket_are_left_alone(house: House) -> None:
    house.store.objects.put("collections/README", b"x")
    house.store.objects.put("elsewhere/file", b"x")
    assert found(house) == []


def test_a_part_that_does_not_answer_ends_the_examination(house: House, name: VideoName) -> None:
    house.index.down = True
    with pytest.raises(Unavailable):
        found(house)
