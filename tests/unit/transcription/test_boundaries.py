"""Cut anywhere, speech is heard word for word: nothing lost, nothing twice."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.core import artifacts
from services.core.jobs import no_progress
from services.core.names import VideoName
from services.core.text import Source, Transcript, TranscriptTrack
from services.core.times import TimeRange
from services.runtime.store_folder import FolderStore
from services.transcription.domain import boundaries
from services.transcription.domain.boundaries import Boundary
from services.transcription.domain.cues import merged
from services.transcription.domain.sound import RATE, WINDOW, Span, first_sample, range_of, time_of
from services.transcription.listening import Listener
from tests.fakes.transcription import FakeRecognizer, FakeSounds, FakeVoice, speech

VIDEO = VideoName("c", "v")


def hear_in_parts(folder: Path, words: list[Span], size: int, cuts: list[int]) -> list[str]:
    """What the segments between the cuts hear, joined."""
    sound = speech(words, size)
    edges = [0, *cuts, time_of(size)]
    ranges = [TimeRange(a, b) for a, b in pairwise(edges)]
    store = FolderStore(folder)
    keys = [artifacts.key(VIDEO, "audio", "0" * 16, i) for i in range(len(ranges))]
    for key, range_ in zip(keys, ranges, strict=True):
        store.put(key, sound[first_sample(range_.start) : first_sample(range_.end)].tobytes())
    listener = Listener(store, FakeSounds(), FakeVoice(), FakeRecognizer(longest=size))
    heard = [listener.segment(keys[max(0, i - 1) : i + 2], ranges, i, no_progress).cues for i in range(len(ranges))]
    tracks = [Transcript((TranscriptTrack("en", Source.RECOGNIZED, cues=cues),)) for cues in heard]
    found = [word for track in merged(tracks).tracks for cue in track.cues for word in cue.words]
    assert [w.range for w in found] == [range_of(words[int(w.text[1:])]) for w in found], "a word was cut"
    return [word.text for word in found]


@st.composite
def talk(draw: st.DrawFn) -> tuple[list[Span], int, list[int]]:
    """Words that are no clicks, some with pauses between them and some without, and places to cut (ns)."""
    at, words = draw(st.integers(0, RATE)), []
    for _ in range(draw(st.integers(1, 60))):
        length = draw(st.integers(RATE * 2 // 5, RATE))
        words.append(Span(at, at + length))
        at += length + draw(st.one_of(st.just(0), st.integers(0, RATE // 2), st.integers(RATE // 2, 8 * RATE)))
    size = at + draw(st.integers(0, RATE))
    cuts = draw(st.lists(st.integers(1, time_of(size) - 1), max_size=4, unique=True))
    return words, size, sorted(cuts)


@given(talk())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_word_is_heard_once_and_whole_wherever_speech_is_cut(
    tmp_path: Path, given_: tuple[list[Span], int, list[int]]
) -> None:
    words, size, cuts = given_
    # Parts shorter than words cannot hold any overlap; segments are minutes long.
    edges = [0, *cuts, time_of(size)]
    cuts = [c for before, c, after in zip(edges, cuts, edges[2:], strict=False) if c - before > 8e9 and after - c > 8e9]
    assert hear_in_parts(tmp_path, words, size, cuts) == [f"w{i}" for i in range(len(words))]


def test_speech_without_any_pause_is_shared_by_the_middle_of_its_words(tmp_path: Path) -> None:
    words = [Span(i * 9001, (i + 1) * 9001) for i in range(120)]
    cut = time_of(60 * 9001 + 4000)
    assert hear_in_parts(tmp_path, words, 120 * 9001, [cut]) == [f"w{i}" for i in range(120)]


def test_a_boundary_in_silence_stays_where_it_is() -> None:
    chances = np.zeros(200, np.float32)
    assert boundaries.place(chances, 200 * WINDOW) == Boundary(100 * WINDOW)


def test_a_boundary_in_speech_goes_into_the_nearest_pause() -> None:
    chances = np.ones(200, np.float32)
    chances[10:30] = 0
    chances[120:140] = 0
    found = boundaries.place(chances, 200 * WINDOW)
    assert found == Boundary(120 * WINDOW + boundaries.MARGIN)


def test_a_boundary_in_speech_without_a_pause_goes_to_its_longest_silence_with_an_overlap() -> None:
    chances = np.ones(200, np.float32)
    chances[40:42] = 0
    chances[150] = 0
    assert boundaries.place(chances, 200 * WINDOW) == Boundary(41 * WINDOW, boundaries.OVERLAP)


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_boundaries_of_a_short_segment_keep_their_order(before: int, after: int) -> None:
    reach = boundaries.reach(before, after)
    assert 2 * reach <= min(before, after) or reach == 0
    assert reach <= boundaries.REACH
