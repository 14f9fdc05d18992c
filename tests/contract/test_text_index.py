"""Every index of texts behaves alike: the exact one in memory, and Milvus."""

import uuid
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from services.core.media import Shot, VideoInfo
from services.core.names import VideoName
from services.core.text import Passage, ShotLabel, Track
from services.core.times import SECOND, TimeRange
from services.search.domain.query import Scope
from services.search.domain.rows import About
from services.search.domain.text_rows import TextRow, TextRowMaker
from services.search.domain.words import terms
from services.search.milvus import MilvusTexts
from services.search.ports import TextIndex
from services.search.settings import SearchSettings
from tests.fakes.search import FakeTexts
from tests.servers import milvus

DIM = 16
SPACE = "sentences one/1.0"
AWKWARD = "it's \"quoted\" \\ back\\\\slash %_ {x} ünï 🦊 ') or 1 == 1"
TEXTS = ("A black dog runs on the beach", "Two dogs are sleeping", AWKWARD, "東京タワーが見える", "the the the of and")
SPOKEN = (Track.SPEECH,)
ALL = (Track.SPEECH, Track.ON_SCREEN_TEXT, Track.CAPTION, Track.TITLE)
A, B = VideoName("films", "a"), VideoName("films", "b")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with milvus.serving(tmp_path_factory.mktemp("milvus") / "data") as (uri, _):
        yield uri


@pytest.fixture(params=["memory", "milvus"])
def index(request: pytest.FixtureRequest) -> Iterator[TextIndex]:
    if request.param == "memory":
        yield FakeTexts()
        return
    uri = request.getfixturevalue("server")
    # Patient: on a busy machine a server that is there may take its time.
    real = MilvusTexts(
        SearchSettings(
            milvus_uri=uri,
            milvus_prefix=f"t{uuid.uuid4().hex[:12]}",
            embedding_address="127.0.0.1:1",
            connect_timeout_s=60,
            search_timeout_s=60,
        )
    )
    yield real
    real.close()


def unit(seed: int, count: int) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), dtype=np.float32)


def rows(
    video: VideoName,
    texts: tuple[str, ...] = TEXTS,
    track: Track = Track.SPEECH,
    revision: str = "a1",
    title: str = "",
    created: int = 5,
    labels: tuple[ShotLabel, ...] = (),
    info_labels: dict[str, str] | None = None,
) -> list[TextRow]:
    """A text every two seconds, and shots of four seconds."""
    shots = [Shot(i, TimeRange(4 * i * SECOND, 4 * (i + 1) * SECOND)) for i in range(len(texts) // 2 + 1)]
    info = VideoInfo(str(video), title, created, info_labels or {})
    maker = TextRowMaker(About(video, info, 3600 * SECOND, shots, labels, revision))
    passages = [
        Passage(track, TimeRange(2 * i * SECOND, 2 * i * SECOND + SECOND), text, "en", 0.5)
        for i, text in enumerate(texts)
    ]
    return [*maker.passages(passages, unit(1, len(texts))), *maker.title(unit(2, 1))]


def write(index: TextIndex, made: list[TextRow], space: str = SPACE) -> None:
    index.prepare(space, DIM)
    index.upsert(space, made)
    index.settle(space, made[0].video, made[0].revision)


def sharing(index: TextIndex, text: str, scope: Scope | None = None, tracks: tuple[Track, ...] = ALL) -> list[str]:
    (hits,) = index.matching(SPACE, [terms(text)], scope or Scope("films"), tracks, 100)
    return [hit.text for hit in hits]


def videos(index: TextIndex, scope: Scope) -> set[str]:
    (hits,) = index.nearest(SPACE, unit(9, 1), scope, ALL, 100)
    return {hit.video for hit, _ in hits}


def test_the_nearest_come_first_with_all_that_a_moment_needs(index: TextIndex) -> None:
    made = rows(A)
    write(index, made)
    vectors = unit(5, 2)
    for vector, hits in zip(vectors, index.nearest(SPACE, vectors, Scope("films"), SPOKEN, 3), strict=True):
        expected = sorted(made, key=lambda r: -float(r.vector @ vector))[:3]
        assert [(h.id, h.video, h.track, h.range, h.shot_range, h.text, h.after, h.language) for h, _ in hits] == [
            (r.id, "a", Track.SPEECH, r.range, r.shot_range, r.text, r.after, "en") for r in expected
        ]
        assert [cosine for _, cosine in hits] == pytest.approx(
            [float(r.vector @ vector) for r in expected], abs=1e-5
        )  # fmt: skip


def test_words_are_found_whatever_their_form_and_script(index: TextIndex) -> None:
    write(index, rows(A))
    assert set(sharing(index, "DOG")) == {TEXTS[0], TEXTS[1]}
    assert sharing(index, "sleep, dogs")[0] == TEXTS[1]
    assert sharing(index, "東京") == [TEXTS[3]]
    assert sharing(index, "UNI quoted") == [AWKWARD]
    assert sharing(index, "of the and") == [TEXTS[4], TEXTS[0]]


@pytest.mark.parametrize("nothing", ["zebra", "!?", "", "😀", "\"' or 1 == 1 --"[:2]])
def test_words_that_nobody_said_find_nothing(index: TextIndex, nothing: str) -> None:
    write(index, rows(A))
    assert sharing(index, nothing) == []


def test_each_query_of_several_has_its_own_answer(index: TextIndex) -> None:
    write(index, rows(A))
    found = index.matching(SPACE, [terms("beach"), terms("zebra"), terms("sleeping")], Scope("films"), ALL, 10)
    assert [[hit.text for hit in hits] for hits in found] == [[TEXTS[0]], [], [TEXTS[1]]]


def test_only_the_tracks_asked_for_answer(index: TextIndex) -> None:
    write(index, rows(A, ("a dog",), Track.SPEECH, title="My dog"))
    write(index, rows(B, ("a dog",), Track.ON_SCREEN_TEXT))
    assert videos(index, Scope("films")) == {"a", "b"}
    assert sharing(index, "dog", tracks=(Track.TITLE,)) == ["My dog"]
    (hits,) = index.nearest(SPACE, unit(9, 1), Scope("films"), (Track.ON_SCREEN_TEXT, Track.TITLE), 10)
    assert {hit.track for hit, _ in hits} == {Track.ON_SCREEN_TEXT, Track.TITLE}


def test_the_title_covers_the_whole_video(index: TextIndex) -> None:
    write(index, rows(A, title=AWKWARD))
    (hits,) = index.nearest(SPACE, unit(2, 1), Scope("films"), (Track.TITLE,), 10)
    ((hit, cosine),) = hits
    assert (hit.range, hit.text) == (TimeRange(0, 3600 * SECOND), AWKWARD)
    assert cosine == pytest.approx(1, abs=1e-5)


def test_the_same_filters_as_for_pictures(index: TextIndex) -> None:
    write(index, rows(A, created=5, labels=(ShotLabel(0, AWKWARD, 0.9),), info_labels={"lang": "en"}))
    write(index, rows(B, created=6, labels=(ShotLabel(0, "forklift", 0.9), ShotLabel(2, AWKWARD, 0.9))))
    assert videos(index, Scope("films", videos=("b", "c"))) == {"b"}
    assert videos(index, Scope("films", labels={"lang": "en"})) == {"a"}
    assert videos(index, Scope("films", added_after=6)) == {"b"}
    assert videos(index, Scope("films", max_duration=SECOND)) == set()
    assert videos(index, Scope("films", shot_labels=(AWKWARD,))) == {"a", "b"}
    assert set(sharing(index, "dog", Scope("films", shot_labels=(AWKWARD,)))) == {TEXTS[0], TEXTS[1]}
    assert videos(index, Scope("films", shot_labels=("forklift", AWKWARD))) == set()
    assert sharing(index, "dog", Scope("films", videos=("a",), range=TimeRange(SECOND, 3 * SECOND))) == [TEXTS[1]]
    assert videos(index, Scope("others")) == set()


def test_texts_written_twice_are_there_once_and_older_ones_go(index: TextIndex) -> None:
    write(index, rows(A))
    write(index, rows(A))
    write(index, rows(B))
    assert (index.count(SPACE, A), len(sharing(index, "beach"))) == (5, 2)
    write(index, rows(A, ("A cat",), revision="b2"))
    assert (index.count(SPACE, A), index.count(SPACE, B)) == (1, 5)
    assert len(sharing(index, "beach")) == 1
    assert sharing(index, "cat") == ["A cat"]


def test_a_video_whose_last_text_went_has_none(index: TextIndex) -> None:
    write(index, rows(A))
    index.settle(SPACE, A, "b2")
    assert index.count(SPACE, A) == 0
    assert sharing(index, "beach") == []


def test_delete_removes_one_video_from_every_space_and_says_how_many(index: TextIndex) -> None:
    write(index, rows(A))
    write(index, rows(B))
    write(index, rows(A), space="other")
    assert index.delete(A) == 10
    assert index.delete(A) == 0
    assert (index.total(SPACE), index.total("other")) == (5, 0)
    assert videos(index, Scope("films")) == {"b"}
    assert index.current_space() in {SPACE, "other"}


def test_a_space_that_nobody_prepared_is_empty(index: TextIndex) -> None:
    assert index.nearest("none", unit(1, 2), Scope("films"), ALL, 10) == [[], []]
    assert index.matching("none", ["dog", "cat"], Scope("films"), ALL, 10) == [[], []]
    assert index.cosines("none", unit(1, 1)[0], [rows(A)[0].id]) == {}
    assert (index.count("none", A), index.current_space()) == (0, "")


def test_cosines_are_exact_and_leave_out_what_is_not_there(index: TextIndex) -> None:
    made = rows(A)
    write(index, made)
    vector = unit(4, 1)[0]
    got = index.cosines(SPACE, vector, [made[0].id, made[1].id, "f" * 32])
    assert dict(got) == {r.id: pytest.approx(float(r.vector @ vector), abs=1e-5) for r in made[:2]}


def test_the_longest_texts_are_taken(index: TextIndex) -> None:
    long = ("東京タワー" * 5_000, "word " * 5_000, "ü" * 20_000, "supercalifragilistic " * 1_000)
    write(index, rows(A, long))
    assert index.count(SPACE, A) == 4
    assert len(sharing(index, "東京")) == 1
