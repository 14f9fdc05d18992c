"""The chaptering stage on a folder, with fakes behind its ports."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.chaptering.asking import Writing
from services.chaptering.domain.boundaries import Wanted
from services.core.chapters import Chapter, Chapters, Length, Summaries, TitleSource
from services.core.errors import Incomplete, InvalidInput, Unavailable
from services.core.jobs import Job, no_progress
from services.core.media import Shot, VideoInfo
from services.core.names import VideoName
from services.core.text import Box, Passage, Reading, TextLine, Track
from services.core.times import SECOND, TimeRange, covers
from services.core.vectors import to_npz
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore
from tests.fakes.chaptering import SENTENCE, VIDEO, FakeEncoder, FakeWriter, knowing, silent_film, stage, store, talk

LENGTHS = (20, 25, 30)
TRUTH = [0, 20 * SENTENCE, 45 * SENTENCE]


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(FolderStore(tmp_path))


def job(step: str, keys: dict[str, str]) -> Job:
    return Job(VideoName.parse(VIDEO), step, inputs={kind: (key,) for kind, key in keys.items()})


def test_chapters_and_summaries_are_written_once(artifacts: ArtifactStore) -> None:
    material, encoder = talk(LENGTHS), FakeEncoder()
    keys, service = store(artifacts, material), stage(artifacts, encoder)
    work = job("chaptering.chapter", keys)
    outputs = service.chapter(work, no_progress)
    assert outputs.counts == {"chapters": 3}
    found = artifacts.load(outputs.artifacts["chapters"], Chapters)
    assert [c.range.start for c in found.chapters] == TRUTH
    assert covers([c.range for c in found.chapters], TimeRange(0, material.duration))
    assert len({c.title for c in found.chapters}) == 3
    assert {c.source for c in found.chapters} == {TitleSource.PHRASE}
    assert found.writer == "builtin"
    asked = len(encoder.asked)
    assert service.chapter(work, no_progress) == outputs
    assert len(encoder.asked) == asked

    more = job("chaptering.summarize", keys | dict(outputs.artifacts))
    summed = service.summarize(more, no_progress)
    summaries = artifacts.load(summed.artifacts["summaries"], Summaries).summaries
    assert [(s.length, s.chapter) for s in summaries] == [
        *((length, -1) for length in Length),
        *((Length.SHORT, i) for i in range(3)),
    ]
    assert all(s.range.contains(one.ranges[0].start) for s in summaries for one in s.sentences)
    assert all(one.chapter == s.chapter for s in summaries if s.chapter >= 0 for one in s.sentences)
    assert service.summarize(more, no_progress) == summed


def test_a_phrase_is_of_its_own_chapter(artifacts: ArtifactStore) -> None:
    material = talk(LENGTHS)
    found = stage(artifacts).chapters(store(artifacts, material), Wanted()).chapters
    for chapter in found:
        said = " ".join(p.text.lower() for p in material.passages if chapter.range.contains(p.range.start))
        rest = " ".join(p.text.lower() for p in material.passages if not chapter.range.contains(p.range.start))
        for part in chapter.title.lower().split(", "):
            assert part in said
            assert part not in rest


def test_the_plan_alone_gives_numbered_chapters(artifacts: ArtifactStore) -> None:
    keys = {"plan": store(artifacts, talk(LENGTHS))["plan"]}
    found = stage(artifacts).chapters(keys, Wanted(count=2)).chapters
    assert [(c.title, c.source) for c in found] == [
        ("Chapter 1", TitleSource.NUMBER),
        ("Chapter 2", TitleSource.NUMBER),
    ]


def test_titles_are_headings_first_and_captions_last(artifacts: ArtifactStore) -> None:
    material = talk(LENGTHS)
    box = Box(0.1, 0.1, 0.9, 0.2)
    heading = Reading(TimeRange(0, 60 * SECOND), "How bees dance", 0.9, (TextLine("How bees dance", box, 0.9),))
    found = stage(artifacts).chapters(store(artifacts, replace(material, readings=(heading,))), Wanted()).chapters
    assert [c.source for c in found] == [TitleSource.HEADING, TitleSource.PHRASE, TitleSource.PHRASE]
    assert found[0].title == "How bees dance"
    film = silent_film((40, 40))
    told = tuple(
        Passage(Track.CAPTION, shot.range, "A dog on a beach." if shot.index < 40 else "A cat.") for shot in film.shots
    )
    keys = store(artifacts, replace(film, passages=told))
    found = stage(artifacts).chapters(keys, Wanted()).chapters
    assert [(c.title, c.source) for c in found] == [
        ("A dog on a beach", TitleSource.CAPTION),
        ("A cat", TitleSource.CAPTION),
    ]


def test_locked_chapters_stay_and_get_a_title_only_when_they_have_none(artifacts: ArtifactStore) -> None:
    material = talk(LENGTHS)
    first, second = TimeRange(0, 10 * SECOND), TimeRange(TRUTH[1], TRUTH[2])
    locked = [Chapter(first, "Welcome", True), Chapter(second, "", True)]
    found = stage(artifacts).chapters(store(artifacts, material), Wanted(), locked).chapters
    assert found[0] == locked[0]
    middle = next(c for c in found if c.range == second)
    assert middle.locked
    assert middle.title
    assert not any(c.locked for c in found if c.range not in (first, second))


def test_titles_without_places_are_found(artifacts: ArtifactStore) -> None:
    material = talk(LENGTHS)
    own = [" ".join(material.passages[i].text.rstrip(".").split()[-4:]) for i in (0, 20, 45)]
    keys = {k: v for k, v in store(artifacts, material).items() if k != "passage_vectors"}
    found = stage(artifacts).chapters(keys, Wanted(), titles=own).chapters
    assert [c.title for c in found] == own
    for chapter, truth in zip(found, TRUTH, strict=True):
        assert abs(chapter.range.start - truth) <= 2 * SENTENCE


def test_a_video_in_vectors_of_another_space_is_still_named(artifacts: ArtifactStore) -> None:
    keys, service = store(artifacts, talk(LENGTHS), space="old"), stage(artifacts)
    assert all(c.source is TitleSource.PHRASE for c in service.chapters(keys, Wanted()).chapters)


def test_an_encoder_that_is_down_is_said(artifacts: ArtifactStore) -> None:
    encoder = FakeEncoder()
    encoder.fault = Unavailable("embedding does not answer")
    keys = store(artifacts, talk(LENGTHS))
    with pytest.raises(Unavailable):
        stage(artifacts, encoder).chapter(job("chaptering.chapter", keys), no_progress)


def test_vectors_that_do_not_fit_are_refused(artifacts: ArtifactStore) -> None:
    keys = store(artifacts, talk(LENGTHS))
    artifacts.objects.put(keys["passage_vectors"], to_npz(np.zeros((3, 4), np.float32), "sentences"))
    with pytest.raises(Incomplete, match="passage_vectors"):
        stage(artifacts).chapters(keys, Wanted())


def test_wrong_sources_and_locked_chapters_are_refused(artifacts: ArtifactStore) -> None:
    keys, service = store(artifacts, talk(LENGTHS)), stage(artifacts)
    for wrong in ({}, keys | {"source": "x"}):
        with pytest.raises(InvalidInput, match="plan"):
            service.chapters(wrong, Wanted())
    locked = [Chapter(TimeRange(0, 10), "a", True), Chapter(TimeRange(5, 20), "b", True)]
    with pytest.raises(InvalidInput, match="overlap"):
        service.chapters(keys, Wanted(), locked)


def test_an_empty_film_of_one_shot_has_one_chapter(artifacts: ArtifactStore) -> None:
    film = replace(silent_film((1,)), shots=(Shot(0, TimeRange(0, 4 * SECOND)),))
    assert len(stage(artifacts).chapters(store(artifacts, film), Wanted()).chapters) == 1


def test_an_editors_chapters_are_kept_by_the_step(artifacts: ArtifactStore) -> None:
    material = talk(LENGTHS)
    locked = Chapter(TimeRange(TRUTH[2] + SECOND, material.duration + SECOND), "The end", True)
    artifacts.save(f"{VIDEO}/edited", Chapters((Chapter(TimeRange(0, TRUTH[2]), "Not locked"), locked)))
    artifacts.save(f"{VIDEO}/info", VideoInfo(VIDEO, "A talk", 0, chapters_key=f"{VIDEO}/edited"))
    keys = store(artifacts, material) | {"info": f"{VIDEO}/info"}
    outputs = stage(artifacts).chapter(job("chaptering.chapter", keys), no_progress)
    found = artifacts.load(outputs.artifacts["chapters"], Chapters).chapters
    assert found[-1] == replace(locked, range=TimeRange(TRUTH[2] + SECOND, material.duration))
    assert [c.range.start for c in found] == [*TRUTH[:2], TRUTH[2] + SECOND]
    assert "Not locked" not in [c.title for c in found]


def test_a_retry_asks_only_for_the_summaries_that_are_missing(artifacts: ArtifactStore) -> None:
    material, writer = talk(LENGTHS), FakeWriter(room=10**6)
    keys = store(artifacts, material)
    service = stage(artifacts, knowing(material), Writing(writer))
    keys |= dict(service.chapter(job("chaptering.chapter", keys), no_progress).artifacts)
    work = job("chaptering.summarize", keys)
    writer.asked.clear()
    writer.faults = [None, None, Unavailable("down")]
    first = service.summarize(work, no_progress)
    assert first.fault is not None
    assert first.fault.message.endswith("down")
    found = artifacts.load(first.artifacts["summaries"], Summaries).summaries
    assert [s.writer for s in found] == ["builtin"] * 3 + ["parrot"] * 2 + ["builtin"]
    assert len(writer.asked) == 3
    writer.asked.clear()
    second = service.summarize(work, no_progress)
    assert second.fault is None
    assert len(writer.asked) == 4
    again = artifacts.load(second.artifacts["summaries"], Summaries).summaries
    assert {s.writer for s in again} == {"parrot"}
    assert again[3:5] == found[3:5]
    assert second.artifacts != first.artifacts


def test_the_budget_of_a_step_is_a_fault_that_says_what_to_raise(artifacts: ArtifactStore) -> None:
    material = talk(LENGTHS)
    service = stage(artifacts, knowing(material), Writing(FakeWriter(), step_s=0.0))
    outputs = service.chapter(job("chaptering.chapter", store(artifacts, material)), no_progress)
    assert outputs.fault is not None
    assert outputs.fault.reason == "EXHAUSTED"
    assert "VIDX_CHAPTERING_CHAT_BUDGET_S" in outputs.fault.message


def test_titles_that_somebody_gave_stay_with_a_model(artifacts: ArtifactStore) -> None:
    material = talk(LENGTHS)
    locked = [Chapter(TimeRange(TRUTH[1], TRUTH[2]), "Mine", True)]
    service = stage(artifacts, knowing(material), Writing(FakeWriter()))
    found = service.chapters(store(artifacts, material), Wanted(), locked)
    assert locked[0] in found.chapters
    assert {c.source for c in found.chapters if not c.locked} == {TitleSource.MODEL}
