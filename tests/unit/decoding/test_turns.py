"""Still pictures that give way to others."""

from collections.abc import Iterable

from services.core.times import SECOND
from services.decoding.domain.turns import Turns, rewritten
from tests.fakes.decoding import fine_of, signature_of
from tests.media.pictures import Picture, hold, mix, pan, scene
from tests.media.slides import DARK, LIGHT, Style, slide

ONE = slide(["budget harbour mountain", "report of the volcano"])
OTHER = slide(["kitchen history weather", "lesson on a journey"])


def turns(pictures: Iterable[Picture], rate: int = 25) -> list[int]:
    """The frames that begin a new still picture."""
    found, state = [], Turns()
    last: Picture | None = None
    signature = None
    for i, picture in enumerate(pictures):
        if picture is not last:
            signature, last = signature_of(picture), picture
        if state.push(i * SECOND // rate, signature) and i:  # type: ignore[arg-type]
            found.append(i - 1)
    return found


def test_a_slide_begins_with_its_first_frame() -> None:
    assert turns([*hold(ONE, 30), *hold(OTHER, 30), *hold(ONE, 10)]) == [30, 60]


def test_a_faded_slide_begins_when_it_stands() -> None:
    (at,) = turns([*hold(ONE, 30), *mix(ONE, OTHER, 8), *hold(OTHER, 20)])
    assert 36 <= at <= 38


def test_what_moves_has_no_turns() -> None:
    assert turns(pan(1, 60)) == []
    assert turns(pan(1, 100, reach=0.03)) == []
    assert turns([*pan(1, 40), *pan(2, 40)]) == []


def test_a_picture_shown_too_shortly_is_no_still_one() -> None:
    assert turns([*hold(ONE, 5), *hold(OTHER, 30)]) == []


def test_other_words_on_the_same_slide_are_rewritten() -> None:
    for style in (LIGHT, DARK, Style(28), Style(60)):
        a, b = (fine_of(slide(lines, style)) for lines in (["budget harbour"], ["kitchen history"]))
        assert rewritten(a, b)
        assert rewritten(b, a)
        assert not rewritten(a, a)


def test_one_more_line_is_rewritten() -> None:
    assert rewritten(fine_of(slide(["budget harbour"])), fine_of(slide(["budget harbour", "volcano report"])))


def test_a_thing_that_moves_before_a_still_camera_is_not() -> None:
    before = scene(1, 1280, 720)
    after = before.copy()
    after[300:400, 300:480] = (20, 20, 30)
    assert not rewritten(fine_of(before), fine_of(after))


def test_another_picture_is_not() -> None:
    assert not rewritten(fine_of(scene(1, 1280, 720)), fine_of(scene(2, 1280, 720)))
