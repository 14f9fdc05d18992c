"""The video's text, captions and labels out of its segments'."""

from pathlib import Path

import pytest

from services.captioning.assemble import Assembling
from services.core.errors import Incomplete
from services.core.jobs import Outputs, no_progress
from services.core.text import Box as TextBox
from services.core.text import Caption, Captions, OnScreenText, Reading, ShotLabels, TextLine
from services.core.times import SECOND, TimeRange
from tests.fakes.captioning import VIDEO, Bucket, FakeEncoder

LABELS = ("dog", "car", "tree")
AXES = {"a photo of dog": 0, "a photo of car": 2}


def caption(shot: int) -> Caption:
    return Caption(shot, TimeRange(shot, shot + 1), f"text {shot}", "", 1.0, 1.0, "fake")


def reading(start: int, end: int) -> OnScreenText:
    line = TextLine("budget", TextBox(0.1, 0.1, 0.5, 0.2), 0.9)
    return OnScreenText((Reading(TimeRange(start * SECOND, end * SECOND), "budget", 0.9, (line,)),))


def loaded(bucket: Bucket, outputs: Outputs) -> tuple[OnScreenText, Captions, ShotLabels]:
    a = outputs.artifacts
    return (
        bucket.store.load(a["on_screen_text"], OnScreenText),
        bucket.store.load(a["captions"], Captions),
        bucket.store.load(a["shot_labels"], ShotLabels),
    )


def test_segments_are_joined(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    for i in range(2):
        bucket.store.save(f"{VIDEO}/r{i}", reading(4 * i, 4 * i + 4))
        bucket.store.save(f"{VIDEO}/d{i}", Captions((caption(1 - i),)))
    job = bucket.assemble(readings=(f"{VIDEO}/r0", f"{VIDEO}/r1"), descriptions=(f"{VIDEO}/d0", f"{VIDEO}/d1"))
    text, captions, labels = loaded(bucket, Assembling(bucket.store, FakeEncoder()).video(job, no_progress))
    assert [r.range for r in text.readings] == [TimeRange(0, 8 * SECOND)]
    assert [c.shot for c in captions.captions] == [0, 1]
    assert labels == ShotLabels()


def test_what_is_missing_leaves_empty_artifacts(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    outputs = Assembling(bucket.store, FakeEncoder()).video(bucket.assemble(), no_progress)
    assert loaded(bucket, outputs) == (OnScreenText(), Captions(), ShotLabels())
    assert outputs.counts == {"readings": 0, "captions": 0, "labels": 0}


def test_shots_carry_the_labels_that_score(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, labels=LABELS)
    encoder = FakeEncoder(AXES)
    outputs = Assembling(bucket.store, encoder).video(bucket.assemble(), no_progress)
    labels = loaded(bucket, outputs)[2].labels
    assert [(label.shot, label.label) for label in labels] == [(0, "dog"), (2, "car")]
    assert all(label.score > 0.9 for label in labels)
    again = Assembling(bucket.store, encoder).video(bucket.assemble(), no_progress)
    assert (again, len(encoder.asked)) == (outputs, 1)


def test_labels_of_another_space_are_incomplete(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, labels=LABELS)
    with pytest.raises(Incomplete):
        Assembling(bucket.store, FakeEncoder(space="another")).video(bucket.assemble(), no_progress)
