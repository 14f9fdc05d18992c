"""Videos laid end to end and taken apart again."""

import itertools
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.chaptering.domain.extracts import WORDS, extract, sentences
from services.chaptering.domain.focus import Focus
from services.chaptering.domain.material import Material
from services.chaptering.domain.phrases import words
from services.chaptering.domain.several import Laid, Part, lay
from services.chaptering.domain.sharing import share
from services.core.chapters import Length, SummarySentence
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange, covers
from tests.fakes.chaptering import DIMENSION, SENTENCE, silent_film, talk, unit

MOST = 1000 * SECOND


@st.composite
def materials(draw: st.DrawFn) -> Material:
    """A video of up to 1,000 s with some sentences, each with text of its own, on any track and in any language."""
    duration = draw(st.integers(0, MOST))
    times = draw(st.lists(st.tuples(st.integers(0, MOST + SECOND), st.integers(0, 60 * SECOND)), max_size=8))
    passages = tuple(
        Passage(
            draw(st.sampled_from([Track.SPEECH, Track.CAPTION, Track.ON_SCREEN_TEXT])),
            TimeRange(start, start + length),
            f"sentence {i} {draw(st.integers(0, 10**9))}",
            draw(st.sampled_from(["", "en", "de"])),
        )
        for i, (start, length) in enumerate(times)
    )
    vectors = np.eye(8, dtype=np.float32)[: len(passages)]
    language = draw(st.sampled_from(["", "en", "de"]))
    return Material(duration, passages=passages, passage_vectors=vectors, language=language)


@st.composite
def parts(draw: st.DrawFn) -> list[Part]:
    found = []
    for i, material in enumerate(draw(st.lists(materials(), max_size=5))):
        edges = sorted(draw(st.sets(st.integers(1, max(1, material.duration)), max_size=3)))
        starts = [0, *(edge for edge in edges if edge < material.duration)]
        ends = [*starts[1:], material.duration]
        chapters = tuple(TimeRange(a, b) for a, b in zip(starts, ends, strict=True))
        found.append(Part(f"v{i}", material, chapters if draw(st.booleans()) else ()))
    return found


def whole(part: Part) -> TimeRange:
    return TimeRange(0, part.material.duration)


@given(parts())
def test_every_sentence_comes_back_to_its_video_its_time_and_its_chapter(given_: list[Part]) -> None:
    laid = lay(given_)
    said = sentences(laid.material, laid.chapters, laid.whole)
    found = laid.apart([SummarySentence(s.passage.text, (s.passage.range,), s.chapter) for s in said])
    known = {part.video: part for part in given_}
    texts: dict[str, set[str]] = {video: set() for video in known}
    for one in found:
        part = known[one.video]
        texts[one.video].add(one.text)
        (range_,) = one.ranges
        (own,) = [p for p in part.material.passages if p.text == one.text and p.range.start == range_.start]
        assert range_.end == max(own.range.start, min(own.range.end, part.material.duration))
        expected = [s.chapter for s in sentences(part.material, part.chapters, whole(part)) if s.passage == own]
        assert [one.chapter] == expected
    everything = set().union(*texts.values())
    for part in given_:
        own_texts = {s.passage.text for s in sentences(part.material, part.chapters, whole(part))}
        # Only what another video has said already is not said again.
        assert texts[part.video] <= own_texts <= everything


@given(parts())
def test_videos_keep_their_order_and_do_not_touch(given_: list[Part]) -> None:
    laid = lay(given_)
    assert [span.duration for span in laid.spans] == [part.material.duration for part in given_]
    assert all(a.end < b.start for a, b in itertools.pairwise(laid.spans))
    for span in laid.spans:
        inside = [c for c in laid.chapters if span.start <= c.start <= span.end]
        assert not span.duration or covers(inside, span)
    for passage in laid.material.passages:
        assert any(span.start <= passage.range.start and passage.range.end <= span.end for span in laid.spans)
    starts = [passage.range.start for passage in laid.material.passages]
    assert [laid.place(start) for start in starts] == sorted(laid.place(start) for start in starts)


def part(video: str, *lengths: int, seed: int = 0, said: bool = True) -> Part:
    material = talk(lengths, seed) if said else silent_film((3,))
    edges = [sum(lengths[:i]) * SENTENCE for i in range(len(lengths) + 1)]
    chapters = tuple(TimeRange(a, b) for a, b in itertools.pairwise(edges)) if said else ()
    return Part(video, material, chapters)


def heard(laid: Laid, found: tuple[SummarySentence, ...]) -> list[str]:
    """The videos of a summary's sentences, each once."""
    return list(dict.fromkeys(s.video for s in laid.apart(found)))


def test_a_video_that_is_only_described_or_in_another_language_is_not_hidden() -> None:
    film = silent_film((20,))
    told = tuple(Passage(Track.CAPTION, shot.range, f"A dog runs on beach {shot.index}.") for shot in film.shots)
    spoken, german = part("spoken", 10), part("german", 10, seed=1).material
    german = replace(german, passages=tuple(replace(p, language="de") for p in german.passages), language="de")
    vectors = unit(np.random.default_rng(0).normal(size=(20, DIMENSION)))
    seen = Part("seen", replace(film, passages=told, passage_vectors=vectors))
    laid = lay([spoken, seen, Part("german", german)])
    assert heard(laid, share(laid, Length.LONG)) == ["spoken", "seen", "german"]


def test_a_video_without_text_does_no_harm() -> None:
    one, silent = part("one", 10, 15), part("silent", said=False)
    alone = extract(one.material, one.chapters, whole(one), Length.MEDIUM)
    for given_ in ([one, silent], [silent, one]):
        laid = lay(given_)
        found = laid.apart(share(laid, Length.MEDIUM))
        assert [replace(s, video="") for s in found] == list(alone)
        assert {s.video for s in found} == {"one"}
    none = lay([silent, part("mute", said=False)])
    assert (share(none, Length.LONG), none.apart(())) == ((), ())


def test_one_video_without_vectors_leaves_all_without() -> None:
    one, other = part("one", 10), part("other", 10, seed=1)
    bare = replace(other, material=replace(other.material, passage_vectors=np.zeros((0, 0), np.float32)))
    assert len(lay([one, other]).material.passage_vectors) == 20
    laid = lay([one, bare])
    assert not len(laid.material.passage_vectors)
    assert heard(laid, share(laid, Length.MEDIUM)) == ["one", "other"]


def test_no_video_is_left_out_as_long_as_there_is_room() -> None:
    # A long talk with much to say, and many short ones beside it.
    given_ = [part("long", 150, 150), *(part(f"short{i}", 9, seed=1 + i) for i in range(12))]
    laid = lay(given_)
    unshared = extract(laid.material, laid.chapters, laid.whole, Length.MEDIUM)
    assert len(heard(laid, unshared)) < len(given_)
    for length in (Length.MEDIUM, Length.LONG):
        found = share(laid, length)
        size = sum(len(words(s.text)) for s in found)
        assert size <= WORDS[length]
        # Sentences have nine words: that many videos have room for one each.
        assert len(heard(laid, found)) == min(len(given_), WORDS[length] // 9)
    short = share(laid, Length.SHORT)
    assert sum(len(words(s.text)) for s in short) <= WORDS[Length.SHORT]
    assert [s.ranges for s in short] == sorted(s.ranges for s in short)


def test_with_a_focus_only_videos_that_say_something_of_it_are_heard() -> None:
    given_ = [Part(f"v{i}", talk((20,), seed=i, dimension=200)) for i in range(4)]
    focus = given_[2].material.passage_vectors.mean(0)
    laid = lay(given_)
    found = share(laid, Length.MEDIUM, Focus(focus / np.linalg.norm(focus), np.array([0.0, 0.1])))
    assert heard(laid, found) == ["v2"]
