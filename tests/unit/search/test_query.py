"""What may be asked, and how pages are turned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import InvalidInput
from services.core.text import Track
from services.core.times import TimeRange
from services.search.domain import query as q
from services.search.domain.query import Query, Scope


def check(text: str = "a dog", scope: Scope | None = None, **changes: object) -> Query:
    given_: dict[str, object] = {"page_size": 0, "page_token": "", "max_per_video": 0, "min_score": 0.0, **changes}
    return q.check(text, scope or Scope("films"), **given_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("query", {"text": ""}),
        ("query", {"text": " \n\t "}),
        ("query", {"text": "x" * 10_001}),
        ("page_size", {"page_size": -1}),
        ("max_moments_per_video", {"max_per_video": -1}),
        ("min_score", {"min_score": 1.1}),
        ("min_score", {"min_score": float("nan")}),
        ("page_token", {"page_token": "nonsense"}),
        ("page_token", {"page_token": "ÿ"}),
    ],
)
def test_a_wrong_field_is_named(field: str, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(**changes)  # type: ignore[arg-type]
    assert list(caught.value.fields) == [field]


def test_the_longest_query_is_taken_and_space_around_it_is_not_counted() -> None:
    assert check("  " + "x" * 10_000 + "\n").text == "x" * 10_000


@pytest.mark.parametrize(("asked", "got"), [(0, 10), (1, 1), (100, 100), (101, 100), (2**31 - 1, 100)])
def test_page_sizes(asked: int, got: int) -> None:
    assert check(page_size=asked).page_size == got


def test_a_token_leads_to_the_next_page_of_the_same_request_whatever_its_size() -> None:
    first = check(page_size=7)
    second = check(page_size=3, page_token=q.next_token(first))
    assert (second.offset, second.end) == (7, 10)
    assert check(page_token=q.next_token(second)).offset == 10


@pytest.mark.parametrize(
    "other",
    [
        {"text": "a cat"},
        {"scope": Scope("others")},
        {"scope": Scope("films", videos=("a",))},
        {"scope": Scope("films", labels={"a": "b"})},
        {"scope": Scope("films", range=TimeRange(0, 1))},
        {"scope": Scope("films", added_after=0)},
        {"max_per_video": 1},
        {"min_score": 0.5},
        {"scope": Scope("films", shot_labels=("a",))},
        {"tracks": {Track.SPEECH: 1.0}},
        {"tracks": {**q.USUAL, Track.SPEECH: 0.5}},
        {"with_facets": True},
    ],
)
def test_a_token_of_another_request_is_refused(other: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="page_token"):
        check(**{"page_token": q.next_token(check()), **other})  # type: ignore[arg-type]


@given(st.text(max_size=40))
def test_any_other_text_as_a_token_is_refused(token: str) -> None:
    if token:
        with pytest.raises(InvalidInput, match="page_token"):
            check(page_token=token)


def test_pages_end_at_the_deepest_moment() -> None:
    query = Query("a", Scope("films"), 100, 950)
    assert query.end == q.MAX_DEPTH


def test_filters_must_fit_the_collection() -> None:
    assert q.videos(["collections/films/videos/b", "collections/films/videos/a"] * 2, "films") == ("a", "b")
    for names in (["collections/other/videos/a"], ["a"], ["collections/films/videos/../x"]):
        with pytest.raises(InvalidInput):
            q.videos(names, "films")
    with pytest.raises(InvalidInput):
        q.videos([f"collections/films/videos/v{i}" for i in range(101)], "films")


@pytest.mark.parametrize(("start", "end"), [(5, 5), (5, 4), (-1, 4)])
def test_a_range_that_is_none_is_refused(start: int, end: int) -> None:
    with pytest.raises(InvalidInput, match=r"filter\.range"):
        q.time_range(start, end)


def test_labels_of_the_filter_are_checked() -> None:
    with pytest.raises(InvalidInput):
        q.labels({"Upper Case": "x"})


@pytest.mark.parametrize(
    "given_",
    [
        [(None, 0.0)],
        [(Track.SPEECH, 0.0), (Track.SPEECH, 0.5)],
        [(Track.SPEECH, 1.1)],
        [(Track.SPEECH, -0.1)],
        [(Track.SPEECH, float("nan"))],
    ],
)
def test_wrong_tracks_are_refused(given_: list[tuple[Track | None, float]]) -> None:
    with pytest.raises(InvalidInput, match="tracks"):
        q.tracks(given_)


def test_all_tracks_are_looked_in_by_themselves_and_a_track_that_is_alone_counts_fully() -> None:
    assert q.tracks([]) == q.USUAL
    assert q.tracks([(Track.CAPTION, 0.0)]) == {Track.CAPTION: 1.0}
    both = q.tracks([(Track.CAPTION, 0.0), (Track.SPEECH, 0.5)])
    assert both == {
        Track.CAPTION: q.USUAL[Track.CAPTION],
        Track.SPEECH: 0.5,
    }
    assert check(tracks={Track.VISUAL: 1.0, Track.TITLE: 1.0}).text_tracks == (Track.TITLE,)


def test_labels_of_shots_are_checked() -> None:
    assert q.shot_labels(["b", "a", "b"]) == ("a", "b")
    for wrong in ([""], ["x" * 101], ["x"] * 65):
        with pytest.raises(InvalidInput, match=r"filter\.shot_labels"):
            q.shot_labels(wrong)
