"""What is indexed of a video's texts."""

import numpy as np
import pytest
from numpy.typing import NDArray

from services.core.errors import Internal
from services.core.media import Shot, VideoInfo
from services.core.names import VideoName
from services.core.text import Passage, ShotLabel, Track
from services.core.times import SECOND, TimeRange
from services.search.domain.rows import About
from services.search.domain.text_rows import MAX_TEXT, TextRow, TextRowMaker

VIDEO = VideoName("films", "v")
SHOTS = [Shot(0, TimeRange(0, 10)), Shot(1, TimeRange(10, 30)), Shot(2, TimeRange(30, 100))]
LABELS = (ShotLabel(0, "car", 0.9), ShotLabel(1, "tree", 0.8), ShotLabel(1, "car", 0.7))


def units(count: int) -> NDArray[np.float32]:
    return np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (count, 1))


def rows(*passages: Passage, title: str = "") -> list[TextRow]:
    info = VideoInfo(str(VIDEO), title, 5, {"lang": "en"})
    maker = TextRowMaker(About(VIDEO, info, 100, SHOTS, LABELS, "a1"))
    return [*maker.passages(passages, units(len(passages))), *maker.title(units(1))]


def said(start: int, end: int, text: str = "words", track: Track = Track.SPEECH, language: str = "en") -> Passage:
    return Passage(track, TimeRange(start, end), text, language, 0.5)


def test_a_text_belongs_to_the_shot_that_holds_most_of_it_and_carries_the_labels_of_all() -> None:
    first, second, last = rows(said(2, 9), said(8, 14), said(95, 120))
    assert (first.shot_range, first.shot_labels) == (TimeRange(0, 10), ("car",))
    assert (second.shot_range, second.shot_labels) == (TimeRange(10, 30), ("car", "tree"))
    assert (last.shot_range, last.shot_labels) == (TimeRange(30, 100), ())


def test_a_text_that_ends_with_its_shot_does_not_touch_the_next() -> None:
    (row,) = rows(said(2, 10))
    assert row.shot_labels == ("car",)


def test_a_text_of_no_length_has_a_shot() -> None:
    (row,) = rows(said(10, 10))
    assert row.shot_range == TimeRange(10, 30)


def test_the_next_text_is_known_when_it_follows_closely_in_the_same_track_and_language() -> None:
    got = rows(
        said(0, 4, "one"), said(1, 4, "eins", language="de"), said(4, 8, "two"), said(4 * SECOND, 5 * SECOND, "late"),
        said(8, 9, "written", Track.ON_SCREEN_TEXT),
    )  # fmt: skip
    assert [row.after for row in got] == ["two", "", "", "", ""]


def test_ids_differ_where_two_texts_begin_together() -> None:
    got = rows(said(0, 4), said(0, 4, language="de"), said(0, 4, track=Track.CAPTION), title="words")
    assert len({row.id for row in got}) == 4
    again = rows(said(0, 4), said(0, 4, language="de"), said(0, 4, track=Track.CAPTION), title="words")
    assert [row.id for row in got] == [row.id for row in again]


def test_the_title_covers_the_video_and_an_empty_one_has_no_row() -> None:
    (row,) = rows(title=" My film ")
    assert (row.track, row.text, row.range) == (Track.TITLE, "My film", TimeRange(0, 100))
    assert rows(title=" ") == []


def test_a_text_without_a_letter_or_a_digit_has_no_row() -> None:
    assert [row.text for row in rows(said(0, 4, "♪ ♪"), said(4, 8, "la"))] == ["la"]


def test_a_text_longer_than_the_index_takes_is_kept_in_part() -> None:
    (row,) = rows(said(0, 4, "word " * 5_000))
    assert len(row.text) == MAX_TEXT


def test_vectors_that_do_not_fit_are_refused() -> None:
    maker = TextRowMaker(About(VIDEO, VideoInfo(str(VIDEO), "", 5), 100, SHOTS, (), "a1"))
    with pytest.raises(Internal, match="passage"):
        list(maker.passages([said(0, 1)], units(2)))
