"""Search's use cases with texts beside the pictures, over ports in memory."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from services.core.deadlines import Deadline
from services.core.errors import Incomplete, Internal, TimedOut, Unavailable
from services.core.jobs import Job, no_progress
from services.core.names import VideoName
from services.core.text import Track
from services.core.times import SECOND, TimeRange
from services.search.domain import query as queries
from services.search.domain.moments import Hit
from services.search.domain.query import USUAL, Scope
from services.search.domain.selection import Moment
from services.search.domain.texts import TextHit
from services.search.ports import Against, Encoded, Pool
from services.search.service import SearchService
from tests.fakes.search import SENTENCES, UNREADABLE, FakeEncoder, FakeIndex, FakeTexts, artifacts
from tests.fakes.search_world import AXES, World, near, said

SPEECH = {Track.SPEECH: 1.0}
STILL = np.stack([AXES[3]] * 12)


def places(moments: list[Moment]) -> list[tuple[str, float, float]]:
    return [(m.video.video, m.range.start / SECOND, m.range.end / SECOND) for m in moments]


def test_a_text_that_matches_alone_is_its_sentence_and_a_picture_is_its_shot() -> None:
    world = World()
    world.add("a", np.stack([AXES[0]] * 4 + [AXES[1]] * 4), 4, passages=[said(1, 2.5, "ice picks scale ice", 2)])
    first, *_ = world.ask("axis 2")[0]
    assert places([first]) == [("a", 1, 2.5)]
    assert [(e.track, e.text, e.language) for e in first.evidence] == [(Track.SPEECH, "ice picks scale ice", "en")]
    first, *_ = world.ask("axis 1")[0]
    assert places([first]) == [("a", 4, 8)]
    assert [e.track for e in first.evidence] == [Track.VISUAL]


def test_picture_and_text_of_one_shot_are_one_moment_above_either_alone() -> None:
    world = World()
    world.add("both", np.stack([near(1, 0.6)] * 4), 4, passages=[said(1, 2, "x", 1)])
    world.add("seen", np.stack([near(1, 0.6)] * 4), 4)
    world.add("said", np.stack([AXES[0]] * 4), 4, passages=[said(1, 2, "x", 1)])
    moments, _ = world.ask("axis 1")
    assert places(moments)[:2] == [("both", 0, 4), ("said", 1, 2)]
    assert {e.track for e in moments[0].evidence} == {Track.SPEECH, Track.VISUAL}
    assert all(sum(e.share for e in m.evidence) == pytest.approx(1) for m in moments)


def test_words_are_found_where_the_meaning_is_not_known() -> None:
    world = World()
    world.add("a", STILL, passages=[said(1, 2, "The Zworykin tube"), said(4, 5, "another thing")])
    assert places(world.ask("zworykin", tracks=SPEECH)[0])[0] == ("a", 1, 2)


def test_a_track_that_is_not_listed_costs_nothing() -> None:
    world = World()
    world.add("a", STILL, passages=[said(1, 2, "words", 1)])
    world.ask("axis 1", tracks={Track.VISUAL: 1.0})
    assert not world.texts.searches
    assert [against for against, _ in world.encoder.asked] == [Against.PICTURES]
    world.index.searches.clear()
    world.encoder.asked.clear()
    found, _ = world.ask("axis 1", tracks=SPEECH)
    assert not world.index.searches
    assert [against for against, _ in world.encoder.asked] == [Against.TEXTS]
    assert [e.track for m in found for e in m.evidence] == [Track.SPEECH]


def test_pictures_alone_score_the_same_with_and_without_the_other_tracks() -> None:
    world = World()
    world.add("a", np.stack([near(1, 0.3 + 0.05 * i) for i in range(12)]))
    assert world.ask("axis 1") == world.ask("axis 1", tracks={Track.VISUAL: 1.0})


def test_weights_turn_a_track_down() -> None:
    world = World()
    world.add("a", np.stack([near(1, 0.55)] * 4), 4)
    world.add("b", np.stack([AXES[0]] * 4), 4, passages=[said(1, 2, "x", 1)])
    assert world.ask("axis 1")[0][0].video.video == "b"
    assert world.ask("axis 1", tracks={**USUAL, Track.SPEECH: 0.1})[0][0].video.video == "a"


@pytest.mark.parametrize("query", ['"ice picks"', 'axis 3 "ICE  picks!"', '"icé-picks" "scale ice"'])
def test_quoted_words_must_stand_in_the_text(query: str) -> None:
    world = World()
    world.add("a", STILL, passages=[said(1, 3, "Ice picks scale ice"), said(5, 6, "picks of ice")])
    world.add("b", STILL)
    moments, _ = world.ask(query)
    assert len(moments) == 1
    assert moments[0].video.video == "a"
    assert moments[0].range.overlaps(TimeRange(SECOND, 3 * SECOND))
    assert moments[0].score > 0.89


def test_quoted_words_may_go_on_in_the_next_sentence() -> None:
    world = World()
    world.add("a", STILL, passages=[said(1, 3, "He took the ice"), said(3.5, 5, "picks and left")])
    assert places(world.ask('"ice picks and left"', tracks=SPEECH)[0]) == [("a", 1, 3)]


def test_quoted_words_that_nobody_said_find_nothing() -> None:
    world = World()
    world.add("a", STILL, passages=[said(1, 3, "Ice picks scale ice")])
    assert world.ask('"ice scale"') == ([], "")
    assert world.ask('"ice picks"', tracks={Track.VISUAL: 1.0}) == ([], "")


def test_the_rest_of_the_query_ranks_what_holds_the_phrase() -> None:
    world = World()
    world.add("a", STILL, passages=[said(1, 2, "red car", 0), said(5, 6, "red car", 1)])
    assert places(world.ask('axis 1 "red car"', tracks=SPEECH)[0]) == [("a", 5, 6), ("a", 1, 2)]
    assert places(world.ask('axis 0 "red car"', tracks=SPEECH)[0]) == [("a", 1, 2), ("a", 5, 6)]


def test_a_title_is_one_moment_of_the_whole_video() -> None:
    world = World()
    world.add("a", STILL, title="Zworykin and the tube")
    world.add("b", STILL)
    moments, _ = world.ask("zworykin tube")
    assert places(moments)[0] == ("a", 0, 12)
    assert [e.track for m in moments[:1] for e in m.evidence] == [Track.TITLE]
    assert all(m.score < 0.1 for m in moments[1:])


@pytest.mark.parametrize(
    "query", ["the of and", '""', "!?", "😀", UNREADABLE, "zzyzx qwrtp", '"', "x" * 10_000, "。" * 10_000, '"' * 9_999]
)
def test_a_query_that_says_little_is_answered(query: str) -> None:
    world = World()
    world.add("a", STILL, passages=[said(1, 2, "the man of the house and I")], title="The end")
    moments, _ = world.ask(query)
    assert all(0 <= m.score <= 1 for m in moments)


def test_a_long_text_is_one_query_that_finds_what_each_of_its_sentences_tells_of() -> None:
    world = World()
    filler = "and it goes on " * 20
    sentences = [f"axis {i} {filler}." for i in range(3)]
    for i, sentence in enumerate(sentences):
        world.encoder.vectors[sentence] = AXES[i]
        world.encoder.sentences[sentence] = AXES[i]
    world.add("a", np.stack([AXES[i // 2] for i in range(12)]))
    world.add("b", STILL, passages=[said(5, 6, "unlike words", 2)])
    world.encoder.asked.clear()
    world.encoder.calls = 0
    moments, _ = world.ask(" ".join(sentences), page_size=4)
    assert {m.video.video + str(m.range.start // SECOND) for m in moments} == {"a0", "a2", "a4", "b5"}
    assert [a.value for a, _ in world.encoder.asked] == ["pictures", "texts"]
    assert world.encoder.calls == 1


def test_one_track_that_says_much_does_not_crowd_out_the_others() -> None:
    world = World()
    crowd = [said(i % 11, i % 11 + 0.5, f"zebra {i}", 1) for i in range(400)]
    world.add("a", STILL, passages=crowd)
    world.add("b", STILL, passages=[said(1, 2, "zebra", 1, Track.ON_SCREEN_TEXT)])
    moments, _ = world.ask("axis 1", max_per_video=1, tracks={t: w for t, w in USUAL.items() if t is not Track.VISUAL})
    assert {m.video.video for m in moments} == {"a", "b"}


def test_a_shot_is_seen_for_a_text_though_better_pictures_hid_it() -> None:
    world = World()
    for n in range(40):
        world.add(f"v{n:02d}", np.stack([near(1, 0.9)] * 8), 4)
    world.add("said", np.stack([near(1, 0.6)] * 4), 4, passages=[said(1, 2, "x", 1)])
    first, *_ = world.ask("axis 1", page_size=1)[0]
    assert first.video.video == "said"
    assert {e.track for e in first.evidence} == {Track.SPEECH, Track.VISUAL}


def test_pages_of_pictures_and_texts_together_have_no_doubles() -> None:
    world = World()
    rng = np.random.default_rng(1)
    for n in range(4):
        passages = [said(i, i + 0.9, f"word{i}", int(rng.integers(0, 8))) for i in range(30)]
        world.add(f"v{n}", np.stack([near(1, float(c)) for c in rng.uniform(0, 0.9, 30)]), passages=passages)
    paged: list[Moment] = []
    token = ""
    while True:
        page, token = world.ask("axis 1", page_size=7, page_token=token)
        paged += page
        if not token:
            break
    assert len({(m.video, m.range) for m in paged}) == len(paged)
    assert [m.score for m in paged] == sorted((m.score for m in paged), reverse=True)


def test_labels_of_shots_filter_pictures_and_texts() -> None:
    world = World()
    passages = [said(0.5, 1, "axis one", 1), said(4.5, 5, "axis one", 1)]
    world.add("a", np.stack([AXES[1]] * 8), 4, passages=passages, shot_labels=[(1, 'a "car"'), (1, "b")])
    scope = Scope("films", shot_labels=('a "car"',))
    assert places(world.ask("axis 1", scope=scope)[0]) == [("a", 4, 8)]
    assert places(world.ask("axis 1", scope=scope, tracks=SPEECH)[0]) == [("a", 4.5, 5)]


def test_rows_of_texts_count_and_go_with_the_video() -> None:
    world = World()
    job = world.job("a", STILL, passages=[said(1, 2, "one"), said(3, 4, "♪")], title="A title")
    assert world.service.index(job, no_progress).counts == {"rows": 20, "expected": 20}
    assert world.service.index(job, no_progress).counts == {"rows": 20, "expected": 20}
    assert world.service.stats("films", "a") == (20, "space")
    world.add("a", STILL)
    assert world.texts.total(SENTENCES) == 0
    world.service.index(job, no_progress)
    assert world.service.delete_video(VideoName("films", "a")) == 20
    assert world.ask("one") == ([], "")


def test_texts_that_do_not_arrive_are_an_error_that_may_pass() -> None:
    world = World(texts=FakeTexts(lose=1))
    with pytest.raises(Incomplete):
        world.add("a", STILL, passages=[said(1, 2, "one")])


def test_a_title_of_another_space_than_the_passages_is_refused() -> None:
    world = World()
    job = world.job("a", STILL)
    mixed = Job(job.video, job.step, inputs={**job.inputs, "title_vectors": job.inputs["shot_vectors"]})
    with pytest.raises(Internal, match="space"):
        world.service.index(mixed, no_progress)


def test_texts_that_cannot_be_asked_are_an_error_and_not_an_empty_answer() -> None:
    class Down(FakeTexts):
        def nearest(self, *_: object) -> list[list[tuple[TextHit, float]]]:
            raise Unavailable("Milvus does not answer")

    world = World(texts=Down())
    world.add("a", STILL)
    with pytest.raises(Unavailable):
        world.ask("axis 1")
    assert world.ask("axis 3", tracks={Track.VISUAL: 1.0})[0]


def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    rng = np.random.default_rng(3)
    world = World()
    for n in range(4):
        tracks = rng.choice([Track.SPEECH, Track.SPEECH, Track.SPEECH, Track.ON_SCREEN_TEXT], 60)
        passages = [
            said(i % 11, i % 11 + 0.9, f"word{i % 7} thing{i}", int(rng.integers(0, 8)), track)
            for i, track in enumerate(tracks)
        ]
        pictures = np.stack([near(1, float(c)) for c in rng.uniform(0, 0.9, 12)])
        world.add(f"v{n}", pictures, passages=passages, title=f"word{n}")
    asked = [f"axis {i % 4} word{i % 7}" for i in range(10)] + ['"word1 thing8"', "axis 2"]
    warm = [world.ask(text) for text in asked]
    for text, found in zip(asked, warm, strict=True):
        assert (
            SearchService(artifacts(world.objects), world.index, world.texts, world.encoder).search(
                queries.check(text, Scope("films"), 0, "", 0, 0.0)
            )
            == found
        )
    world.encoder.sentence_space = "newer"
    assert all(e.track is Track.VISUAL for m in world.ask("axis 1")[0] for e in m.evidence)


def test_the_second_search_of_a_collection_asks_for_words_before_it_has_vectors() -> None:
    events: list[str] = []
    began = threading.Event()

    class Texts(FakeTexts):
        def matching(self, *asked: Any) -> list[list[TextHit]]:
            events.append("words")
            began.set()
            return super().matching(*asked)

    class Encoder(FakeEncoder):
        def encode(self, *asked: Any) -> tuple[Encoded, ...]:
            if events:
                assert began.wait(30)
            return super().encode(*asked)

    world = World(texts=Texts(), encoder=Encoder({"axis 1": AXES[1]}))
    world.add("a", STILL, passages=[said(i % 11, i % 11 + 0.5, f"word {i}", 1) for i in range(200)])
    first = world.ask("axis 1")
    assert events
    began.clear()
    assert world.ask("axis 1") == first
    assert began.is_set()


def test_texts_found_by_words_are_compared_while_those_nearest_in_meaning_are_looked_for() -> None:
    looking, compared = threading.Event(), threading.Event()

    class Texts(FakeTexts):
        known = False

        def matching(self, *asked: Any) -> list[list[TextHit]]:
            # Words that come later than the vectors.
            assert not self.known or looking.wait(30)
            return super().matching(*asked)

        def nearest(self, *asked: Any) -> list[list[tuple[TextHit, float]]]:
            looking.set()
            assert not self.known or compared.wait(30)
            return super().nearest(*asked)

        def cosines(self, *asked: Any) -> Mapping[str, float]:
            compared.set()
            return super().cosines(*asked)

    texts = Texts()
    world = World(texts=texts)
    world.add("a", STILL, passages=[said(i % 11, i % 11 + 0.5, f"word{i}", i % 8) for i in range(200)])
    first = world.ask("axis 1 word7")
    looking.clear()
    compared.clear()
    texts.known = True
    assert world.ask("axis 1 word7") == first


def test_texts_that_their_meaning_finds_all_are_not_looked_for_by_words() -> None:
    class Texts(FakeTexts):
        def matching(self, *_: object) -> list[list[TextHit]]:
            raise AssertionError("asked for words")

    world = World(texts=Texts())
    world.add("a", STILL, passages=[said(1, 2, "few words", 1)])
    assert places(world.ask("few words", tracks=SPEECH)[0]) == [("a", 1, 2)]


def test_pictures_and_the_shots_of_texts_are_pooled_in_one_question() -> None:
    class Index(FakeIndex):
        pooled = 0

        def pools(self, *asked: Any) -> Mapping[str, Pool]:
            self.pooled += 1
            return super().pools(*asked)

    world = World(index=Index())
    for n in range(40):
        world.add(f"v{n:02d}", np.stack([near(1, 0.95 - 0.005 * n)] * 8), 4)
    world.add("said", np.stack([near(1, 0.6)] * 4), 4, passages=[said(1, 2, "x", 1)])
    assert world.ask("axis 1", page_size=1)[0][0].video.video == "said"
    assert world.index.pooled == 1  # type: ignore[attr-defined]


def test_a_deadline_that_has_passed_ends_the_search() -> None:
    class Late(FakeIndex):
        def search(self, *asked: Any) -> list[Hit]:
            until = asked[-1]
            assert isinstance(until, Deadline)
            until.left()
            return super().search(*asked)

    world = World(index=Late())
    world.add("a", STILL)
    query = queries.check("axis 3", Scope("films"), 0, "", 0, 0.0)
    assert world.service.search(query, Deadline.after(60))[0]
    with pytest.raises(TimedOut):
        world.service.search(query, Deadline.after(-1))
