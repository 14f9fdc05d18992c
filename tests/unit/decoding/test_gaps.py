"""What lies between two decoded frames."""

import numpy as np

from services.core.times import SECOND
from services.decoding.domain.gaps import Pace, between, gives_way, same_picture, stands
from services.decoding.domain.signature import SIZE
from tests.fakes.decoding import fine_of, signature_of
from tests.media.pictures import pan, plain, scene
from tests.media.slides import slide

ONE, OTHER = slide(["budget harbour mountain"]), slide(["kitchen history weather"])
FRAME = SECOND // 25


def pace(pictures: list[np.ndarray], missing: int = 1) -> tuple[Pace, int]:
    found, time = Pace(), 0
    for picture in pictures:
        found.push(time, signature_of(picture), missing)
        time += (missing + 1) * FRAME
    return found, time


def test_a_picture_that_stands_is_the_same_to_the_last_word() -> None:
    a, b = signature_of(ONE), signature_of(OTHER)
    assert same_picture(a, fine_of(ONE), a, fine_of(ONE))
    assert not same_picture(a, fine_of(ONE), a, fine_of(OTHER))
    assert not same_picture(a, fine_of(ONE), b, fine_of(ONE))


def test_another_scene_begins_with_a_keyframe_that_is_large_beside_what_came_before() -> None:
    a, b = signature_of(ONE), signature_of(scene(1))
    assert gives_way(a, b, size=8000, most=90)
    assert not gives_way(a, b, size=8000, most=2000)
    assert not gives_way(a, a, size=8000, most=90)
    half = signature_of((scene(1) * 0.5).astype(np.uint8))
    assert not gives_way(b, half, size=8000, most=90)


def test_a_cut_between_moving_pictures_is_unclear_and_a_pan_is_not() -> None:
    pictures = list(pan(1, 60))[::2]
    found, _ = pace(pictures[:20])
    assert not found.unclear(signature_of(pictures[20]))
    assert found.unclear(signature_of(scene(9)))


def test_it_matters_when_a_picture_that_stood_gives_way() -> None:
    found, _ = pace([ONE] * 20)
    assert not found.unclear(signature_of(ONE))
    assert found.unclear(signature_of(OTHER))
    brief, _ = pace([ONE] * 4)
    assert not brief.unclear(signature_of(OTHER))


def test_what_lies_between_is_on_the_way() -> None:
    a, b = (signature_of(plain(level)) for level in (40, 80))
    assert [int(s[0]) for s in between(a, b, 3)] == [50, 60, 70]
    assert between(a, b, 0) == []


def test_what_stands_stays_as_it_was() -> None:
    a = np.full(SIZE, 90, np.uint8)
    b = a.copy()
    b[0] += 2
    assert stands(a, b)
    assert all(s is a for s in between(a, b, 2))
