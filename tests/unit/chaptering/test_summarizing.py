"""Summaries for a call on a folder, with fakes behind the ports."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.chaptering.asking import Writing
from services.chaptering.domain.material import Material
from services.chaptering.ports import Written
from services.chaptering.summarizing import Known, Wish
from services.core.chapters import Chapter, Length
from services.core.errors import Cancelled, Incomplete, InvalidInput, NotFound, Unavailable
from services.core.times import TimeRange
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore
from tests.fakes.chaptering import SENTENCE, FakeEncoder, FakeWriter, silent_film, store, summarizing, talk

LENGTHS = (20, 25)
NAMES = [f"collections/c/videos/{id_}" for id_ in ("a", "b", "c")]


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(FolderStore(tmp_path))


@pytest.fixture
def materials() -> dict[str, Material]:
    """Two talks, and a film without a word."""
    return {NAMES[0]: talk(LENGTHS), NAMES[1]: talk(LENGTHS, seed=1), NAMES[2]: silent_film((9,))}


@pytest.fixture
def videos(artifacts: ArtifactStore, materials: dict[str, Material]) -> list[Known]:
    edge, end = LENGTHS[0] * SENTENCE, sum(LENGTHS) * SENTENCE
    chapters = (Chapter(TimeRange(0, edge), "One"), Chapter(TimeRange(edge, end), "Two"))
    return [
        Known(name, store(artifacts, material, video=name), chapters if material.passages else ())
        for name, material in materials.items()
    ]


def knowing(materials: dict[str, Material]) -> FakeEncoder:
    pairs = ((p.text, v) for m in materials.values() for p, v in zip(m.passages, m.passage_vectors, strict=False))
    return FakeEncoder(known=dict(pairs))


def where(materials: dict[str, Material]) -> dict[tuple[str, str], TimeRange]:
    return {(name, p.text): p.range for name, m in materials.items() for p in m.passages}


def test_the_plan_alone_sums_up_to_nothing(artifacts: ArtifactStore) -> None:
    keys = {"plan": store(artifacts, talk(LENGTHS))["plan"]}
    assert summarizing(artifacts).summary(keys, (), None, Wish(Length.LONG)).sentences == ()


def test_vectors_of_another_space_are_not_compared_with_a_focus(artifacts: ArtifactStore) -> None:
    keys = store(artifacts, talk(LENGTHS), space="old")
    with pytest.raises(Incomplete, match="embed the video again"):
        summarizing(artifacts).summary(keys, (), None, Wish(Length.SHORT, "bees"))


def test_a_range_outside_the_video_is_refused(artifacts: ArtifactStore) -> None:
    keys = store(artifacts, talk(LENGTHS))
    with pytest.raises(InvalidInput, match="range"):
        summarizing(artifacts).summary(keys, (), TimeRange(10**15, 2 * 10**15), Wish(Length.SHORT))


@pytest.mark.parametrize("length", list(Length))
def test_several_videos_are_summed_up_in_the_order_asked(
    artifacts: ArtifactStore, videos: list[Known], materials: dict[str, Material], length: Length
) -> None:
    asked = videos[::-1]
    found = summarizing(artifacts).together(asked, Wish(length))
    assert (found.range, found.videos, found.chapter, found.writer) == (None, tuple(NAMES[::-1]), -1, "builtin")
    order = [NAMES[::-1].index(s.video) for s in found.sentences]
    assert set(order) == {1, 2}
    assert order == sorted(order)
    for s in found.sentences:
        assert s.ranges == (where(materials)[s.video, s.text],)
        assert s.chapter == int(s.ranges[0].start >= LENGTHS[0] * SENTENCE)
    for name in NAMES[:2]:
        times = [s.ranges for s in found.sentences if s.video == name]
        assert times == sorted(times)


def test_a_model_writes_of_several_videos_and_each_sentence_rests_on_one(
    artifacts: ArtifactStore, videos: list[Known], materials: dict[str, Material]
) -> None:
    def says(texts: list[str]) -> list[Written]:
        # Of both, of both without saying so, of one, and of nothing.
        both = Written(texts[0], (0, len(texts) - 1))
        return [both, Written(texts[-1], (0, 1)), Written(texts[-2], (len(texts) - 2,)), Written("The moon.", (3,))]

    writer = FakeWriter(room=10**6, says=says)  # type: ignore[arg-type]
    service = summarizing(artifacts, knowing(materials), Writing(writer))
    found = service.together(videos, Wish(Length.MEDIUM))
    assert (found.writer, found.fault, len(writer.asked)) == ("parrot", None, 1)
    first, second = materials[NAMES[0]].passages[0], materials[NAMES[1]].passages[-2]
    assert [(s.video, s.text, s.ranges) for s in found.sentences] == [
        (NAMES[0], first.text, (first.range,)),
        (NAMES[1], second.text, (second.range,)),
    ]


def test_a_model_is_asked_again_for_each_video_that_it_left_out(
    artifacts: ArtifactStore, videos: list[Known], materials: dict[str, Material]
) -> None:
    writer = FakeWriter(room=10**6, says=lambda texts: [Written(texts[0], (0,))])
    service, told = summarizing(artifacts, knowing(materials), Writing(writer)), []
    found = service.together(videos, Wish(Length.MEDIUM), lambda done, total: told.append((done, total)))
    assert [s.video for s in found.sentences] == NAMES[:2]
    assert set(writer.asked[1]) == {p.text for p in materials[NAMES[1]].passages}
    assert told == [(0, 1), (0, 1), (1, 1), (1, 2), (2, 2)]
    writer.asked.clear()
    # With a focus, what is left out says nothing of it.
    found = service.together(videos, Wish(Length.MEDIUM, "bees"))
    assert (len(found.sentences), len(writer.asked)) == (1, 1)


def test_a_model_that_writes_part_by_part_is_followed(
    artifacts: ArtifactStore, videos: list[Known], materials: dict[str, Material]
) -> None:
    writer, told = FakeWriter(room=700), []
    service = summarizing(artifacts, knowing(materials), Writing(writer))
    found = service.together(videos, Wish(Length.LONG), lambda done, total: told.append((done, total)))
    assert (found.writer, found.fault) == ("parrot", None)
    assert all(s.ranges == (where(materials)[s.video, s.text],) for s in found.sentences)
    assert told[-1][0] == told[-1][1] > 3
    assert told == sorted(told)
    assert all(done <= total for done, total in told)


def test_a_model_that_fails_leaves_the_built_in_summary_with_the_cause(
    artifacts: ArtifactStore, videos: list[Known], materials: dict[str, Material]
) -> None:
    writer = FakeWriter(room=10**6)
    writer.faults = [Unavailable("down")]
    found = summarizing(artifacts, knowing(materials), Writing(writer)).together(videos, Wish())
    assert found.fault is not None
    assert found.fault.message == "down"
    assert replace(found, fault=None) == summarizing(artifacts).together(videos, Wish())


def test_nobody_asks_on_for_a_caller_who_has_gone(
    artifacts: ArtifactStore, videos: list[Known], materials: dict[str, Material]
) -> None:
    writer = FakeWriter(room=700)

    def gone(done: int, total: int) -> None:
        if done:
            raise Cancelled("the caller has gone")

    summarizing(artifacts, knowing(materials), Writing(writer)).together(videos, Wish(Length.LONG), gone)
    assert len(writer.asked) == 1


def test_no_question_is_asked_when_the_caller_leaves_no_time(artifacts: ArtifactStore, videos: list[Known]) -> None:
    writer = FakeWriter(room=10**6)
    found = summarizing(artifacts, None, Writing(writer)).together(videos, Wish(left=0.0))
    assert (found.fault and found.fault.reason, writer.asked) == ("EXHAUSTED", [])


def test_a_focus_is_compared_with_all_videos(
    artifacts: ArtifactStore, videos: list[Known], materials: dict[str, Material]
) -> None:
    encoder = knowing(materials)
    wanted = materials[NAMES[1]].passage_vectors[LENGTHS[0] :].mean(0)
    encoder.known = {**encoder.known, "bees": wanted}
    found = summarizing(artifacts, encoder).together(videos, Wish(Length.SHORT, "bees"))
    assert found.focus == "bees"
    near = [s for s in found.sentences if (s.video, s.chapter) == (NAMES[1], 1)]
    assert len(near) > len(found.sentences) / 2


def test_vectors_of_several_spaces_say_which_videos_to_embed_again(artifacts: ArtifactStore) -> None:
    videos = [
        Known(name, store(artifacts, talk(LENGTHS), space, name)) for name, space in zip(NAMES, "xyx", strict=True)
    ]
    with pytest.raises(Incomplete, match="embed these videos again") as caught:
        summarizing(artifacts).together(videos, Wish())
    assert NAMES[1] in caught.value.message


def test_what_is_wrong_with_one_video_names_it(artifacts: ArtifactStore, videos: list[Known]) -> None:
    service = summarizing(artifacts)
    with pytest.raises(InvalidInput, match=NAMES[1]) as caught:
        service.together([videos[0], Known(NAMES[1], {"shots": "x"})], Wish())
    assert list(caught.value.fields) == ["videos[1].sources.keys"]
    with pytest.raises(NotFound, match=NAMES[1]):
        service.together([videos[0], Known(NAMES[1], {"plan": "gone"})], Wish())
    keys = store(artifacts, replace(talk(LENGTHS), passage_vectors=np.ones((45, 4), np.float32)), video=NAMES[1])
    with pytest.raises(Incomplete, match="several spaces"):
        service.together([videos[0], Known(NAMES[1], keys)], Wish())
