"""Chapters and summaries come back from the bucket as they were."""

from pathlib import Path

import pytest
from vidx.media.v1 import chapters_pb2 as pb

from services.core.chapters import (
    Chapter,
    Chapters,
    Length,
    Summaries,
    Summary,
    SummarySentence,
    TitleSource,
)
from services.core.times import TimeRange
from services.runtime.artifacts import ArtifactStore
from services.runtime.chapters_proto import chapter_from, summary_from
from services.runtime.store_folder import FolderStore

SPAN = TimeRange(1_234_567_891, 9_876_543_210)


@pytest.mark.parametrize(
    "noun",
    [
        Chapters(),
        Chapters(
            tuple(Chapter(SPAN, source.value, source is TitleSource.EDITED, source) for source in TitleSource), "m"
        ),
        Summaries(
            tuple(
                Summary(SPAN, length, (SummarySentence("Said.", (SPAN, TimeRange(0, 1)), 2),), -1, "bees", "m")
                for length in Length
            )
        ),
    ],
)
def test_nouns_come_back(tmp_path: Path, noun: Chapters | Summaries) -> None:
    artifacts = ArtifactStore(FolderStore(tmp_path))
    artifacts.save("k", noun)
    assert artifacts.load("k", type(noun)) == noun


def test_what_is_not_stated_has_a_meaning() -> None:
    assert chapter_from(pb.Chapter(title="x")).source is TitleSource.EDITED
    assert summary_from(pb.Summary()).length is Length.MEDIUM


def test_a_chapter_is_named_by_when_it_begins() -> None:
    assert Chapter(SPAN, "x").id == "c1234"
