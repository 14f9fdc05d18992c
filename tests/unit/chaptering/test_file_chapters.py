"""The step that chapters a video whose file names chapters."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.chaptering import formats
from services.chaptering.asking import Writing
from services.chaptering.domain.boundaries import Wanted
from services.chaptering.domain.material import Material
from services.chaptering.naming import Namer
from services.chaptering.service import Chaptering
from services.core.chapters import Chapter, Chapters, TitleSource
from services.core.jobs import Job, no_progress
from services.core.media import FileChapter, Plan, VideoInfo
from services.core.names import VideoName
from services.core.times import SECOND, TimeRange, covers
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore
from tests.fakes.chaptering import (
    SENTENCE,
    VIDEO,
    FakeEncoder,
    FakeFunctionWords,
    FakeWriter,
    knowing,
    stage,
    store,
    talk,
)

TRUTH = [0, 20 * SENTENCE, 45 * SENTENCE]
END = 75 * SENTENCE
NAMED = (
    FileChapter(TimeRange(0, 100 * SECOND), "Opening"),
    FileChapter(TimeRange(100 * SECOND, 300 * SECOND), "Chapter 2"),
    FileChapter(TimeRange(300 * SECOND, END), "The end"),
)


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(FolderStore(tmp_path))


@pytest.fixture
def material() -> Material:
    return talk((20, 25, 30))


def known(
    artifacts: ArtifactStore, material: Material, named: Sequence[FileChapter], *locked: Chapter
) -> dict[str, str]:
    """Keys of a video whose file names chapters, and of which an editor locked some."""
    keys = store(artifacts, material)
    plan = artifacts.load(keys["plan"], Plan)
    artifacts.save(keys["plan"], replace(plan, probe=replace(plan.probe, chapters=tuple(named))))
    artifacts.save(f"{VIDEO}/edited", Chapters(locked))
    artifacts.save(f"{VIDEO}/info", VideoInfo(VIDEO, "A talk", 0, chapters_key=f"{VIDEO}/edited" if locked else ""))
    return keys | {"info": f"{VIDEO}/info"}


def made(artifacts: ArtifactStore, service: Chaptering, keys: dict[str, str]) -> tuple[Chapter, ...]:
    job = Job(VideoName.parse(VIDEO), "chaptering.chapter", inputs={kind: (key,) for kind, key in keys.items()})
    outputs = service.chapter(job, no_progress)
    assert service.chapter(job, no_progress) == outputs
    found = artifacts.load(outputs.artifacts["chapters"], Chapters).chapters
    assert covers([c.range for c in found], TimeRange(0, END))
    return found


def test_the_chapters_of_the_file_are_the_videos(artifacts: ArtifactStore, material: Material) -> None:
    found = made(artifacts, stage(artifacts), known(artifacts, material, NAMED))
    assert [c.range for c in found] == [c.range for c in NAMED]
    assert [(found[i].title, found[i].source) for i in (0, 2)] == [
        ("Opening", TitleSource.FILE),
        ("The end", TitleSource.FILE),
    ]
    # One that is only counted is named by what is said in it.
    assert found[1].source is TitleSource.PHRASE
    assert not any(c.locked for c in found)


def test_what_the_file_leaves_open_is_divided_as_ever(artifacts: ArtifactStore, material: Material) -> None:
    one = FileChapter(TimeRange(0, 50 * SECOND), "One")
    found = made(artifacts, stage(artifacts), known(artifacts, material, [one]))
    assert (found[0].title, found[0].range) == ("One", one.range)
    assert [c.range.start for c in found[1:]] == [50 * SECOND, *TRUTH[1:]]


def test_long_chapters_of_the_file_stay_whole(artifacts: ArtifactStore, material: Material) -> None:
    service = Chaptering(
        artifacts,
        FakeEncoder(),
        Namer(FakeEncoder(), FakeFunctionWords()),
        formats,
        Wanted(shortest=10 * SECOND, longest=40 * SECOND),
    )
    found = made(artifacts, service, known(artifacts, material, NAMED))
    assert [c.range for c in found] == [c.range for c in NAMED]


def test_a_short_video_has_the_chapters_of_its_file(artifacts: ArtifactStore) -> None:
    named = [FileChapter(TimeRange(0, 5 * SECOND), "a"), FileChapter(TimeRange(5 * SECOND, 12 * SECOND), "b")]
    keys = known(artifacts, talk((2,)), named)
    job = Job(VideoName.parse(VIDEO), "chaptering.chapter", inputs={kind: (key,) for kind, key in keys.items()})
    outputs = stage(artifacts).chapter(job, no_progress)
    assert [c.title for c in artifacts.load(outputs.artifacts["chapters"], Chapters).chapters] == ["a", "b"]


def test_what_an_editor_locked_comes_before_the_files(artifacts: ArtifactStore, material: Material) -> None:
    locked = Chapter(TimeRange(90 * SECOND, 110 * SECOND), "Mine", True)
    found = made(artifacts, stage(artifacts), known(artifacts, material, NAMED, locked))
    assert locked in found
    assert "Opening" not in [c.title for c in found]
    assert (found[-1].range, found[-1].title, found[-1].source) == (NAMED[2].range, "The end", TitleSource.FILE)


@pytest.mark.parametrize("named", [[], [FileChapter(TimeRange(0, END), "All of it")]])
def test_a_file_that_divides_nothing_changes_nothing(
    artifacts: ArtifactStore, material: Material, named: list[FileChapter]
) -> None:
    found = made(artifacts, stage(artifacts), known(artifacts, material, named))
    assert [c.range.start for c in found] == TRUTH


def test_the_files_chapters_can_be_left_aside(artifacts: ArtifactStore, material: Material) -> None:
    namer = Namer(FakeEncoder(), FakeFunctionWords())
    service = Chaptering(artifacts, FakeEncoder(), namer, formats, Wanted(), file_chapters=False)
    keys = known(artifacts, material, NAMED)
    assert [c.range.start for c in made(artifacts, service, keys)] == TRUTH
    # And again the other way round: neither takes the other's for its own.
    assert [c.range for c in made(artifacts, stage(artifacts), keys)] == [c.range for c in NAMED]


def test_a_wanted_number_and_wanted_titles_are_their_own_division(artifacts: ArtifactStore, material: Material) -> None:
    keys = {kind: key for kind, key in known(artifacts, material, NAMED).items() if kind != "info"}
    service = stage(artifacts)
    assert [c.range.start for c in service.chapters(keys, Wanted(count=3)).chapters] == TRUTH
    assert [c.title for c in service.chapters(keys, Wanted(), titles=["One", "Two"]).chapters] == ["One", "Two"]


def test_a_language_model_names_only_what_the_file_does_not(artifacts: ArtifactStore, material: Material) -> None:
    service = stage(artifacts, knowing(material), Writing(FakeWriter()))
    found = made(artifacts, service, known(artifacts, material, NAMED))
    assert [c.source for c in found] == [TitleSource.FILE, TitleSource.MODEL, TitleSource.FILE]
    assert [found[0].title, found[2].title] == ["Opening", "The end"]
