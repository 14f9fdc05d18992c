"""On-screen text of a segment."""

from pathlib import Path

import pytest

from services.captioning.onscreen import OnScreen
from services.captioning.pillow import PillowPictures
from services.core.errors import Incomplete, InvalidInput, MediaLimit
from services.core.jobs import no_progress
from services.core.text import OnScreenText
from services.core.times import SECOND
from tests.fakes.captioning import VIDEO, Bucket, FakeReader, picture


def stage(bucket: Bucket, reader: FakeReader) -> OnScreen:
    return OnScreen(bucket.store, PillowPictures(10_000), reader)


def test_readings_carry_the_ranges_of_their_frames(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, shots=2, levels=[0, 100, 100, 200])
    reader = FakeReader({100: "budget", 200: "volcano"})
    outputs = stage(bucket, reader).segment(bucket.text(), no_progress)
    found = bucket.store.load(outputs.artifacts["readings"], OnScreenText).readings
    assert [(r.range.start // SECOND, r.range.end // SECOND, r.text) for r in found] == [
        (1, 3, "budget"), (3, 4, "volcano")
    ]  # fmt: skip
    assert outputs.counts == {"readings": 2}


def test_a_picture_that_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, shots=2, levels=[50] * 4)
    reader = FakeReader({50: "budget"})
    stage(bucket, reader).segment(bucket.text(), no_progress)
    assert reader.reads == 1


def test_a_second_run_finds_its_readings(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    reader = FakeReader({0: "budget"})
    first = stage(bucket, reader).segment(bucket.text(), no_progress)
    asked = reader.reads
    assert stage(bucket, reader).segment(bucket.text(), no_progress) == first
    assert reader.reads == asked


def test_a_film_without_text_has_an_empty_artifact(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    outputs = stage(bucket, FakeReader({})).segment(bucket.text(), no_progress)
    assert bucket.store.load(outputs.artifacts["readings"], OnScreenText) == OnScreenText()


def test_a_broken_picture_of_ours_is_incomplete(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    bucket.store.objects.put(f"{VIDEO}/jpegs-0", b"no tar")
    with pytest.raises(Incomplete):
        stage(bucket, FakeReader({})).segment(bucket.text(), no_progress)


def test_hostile_pictures_are_refused() -> None:
    with pytest.raises(InvalidInput):
        PillowPictures(100).open(b"no picture").pixels()
    with pytest.raises(MediaLimit):
        PillowPictures(100).open(picture(10)).pixels()
