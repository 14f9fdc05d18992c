"""When a picture is worth a look for text, and when text stands or has moved."""

import numpy as np
from PIL import Image

from services.captioning.domain.looks import EVERY, HEIGHT, WIDTH, Looks, plain
from services.captioning.domain.places import moved, still_there
from services.core.text import Box, TextLine
from tests.media.pictures import pan, scene
from tests.media.slides import Style, slide, write


def grey(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BOX))


def looked_at(pictures: list[np.ndarray], first: int = -1, text: bool = False) -> list[int]:
    looks, found = Looks(), []
    for i, picture in enumerate(map(grey, pictures)):
        if looks.due(picture, i == first):
            looks.looked(picture, text)
            found.append(i)
    return found


def test_a_scene_in_motion_is_looked_at_now_and_then() -> None:
    assert looked_at(list(pan(1, 12, 640, 360, reach=0.8))) == [0, EVERY, 2 * EVERY]


def test_a_new_shot_is_looked_at() -> None:
    assert looked_at(list(pan(1, 5, 640, 360, reach=0.4)), first=3) == [0, 3]


def test_a_picture_that_stays_is_looked_at_once() -> None:
    assert looked_at([scene(1, 640, 360)] * 20, text=True) == [0]


def test_pictures_with_text_are_looked_at_as_they_change() -> None:
    assert looked_at(list(pan(1, 4, 640, 360)), text=True) == [0, 1, 2, 3]


def test_letters_that_appear_in_a_moving_scene_are_looked_at() -> None:
    pictures = list(pan(1, 4, 1280, 720, reach=0.6))
    image = Image.fromarray(pictures[2])
    write(image, ["Words that appear here"], Style(60, ink=(255, 255, 255)), (100, 600))
    pictures[2] = np.asarray(image)
    assert looked_at(pictures) == [0, 2]


def test_a_thing_that_moves_on_dark_ground_is_looked_at_now_and_then() -> None:
    pictures = []
    for i in range(2 * EVERY):
        picture = np.full((360, 640, 3), 6, np.uint8)
        picture[60:300, 100 + 4 * i : 340 + 4 * i] = scene(3, 240, 240)
        pictures.append(picture)
    assert looked_at(pictures) == [0, EVERY]


def test_small_letters_that_appear_in_a_picture_that_stands_are_looked_at() -> None:
    before = scene(1, 1280, 720)
    image = Image.fromarray(before)
    write(image, ["harbour"], Style(24, ink=(255, 255, 255)), (100, 600))
    assert looked_at([before, before, np.asarray(image)]) == [0, 2]


def test_slides_are_plain_and_photographs_are_not() -> None:
    assert plain(grey(slide(["budget harbour mountain report"] * 4)))
    assert not plain(grey(scene(1, 640, 360)))


LINE = TextLine("budget harbour", Box(0.07, 0.13, 0.5, 0.22), 0.9)
PLACE = Box(0.08, 0.14, 0.45, 0.21)


def test_text_stands_in_a_picture_that_changed_elsewhere() -> None:
    before = slide(["budget harbour"], Style(48))
    after = before.copy()
    after[500:, 900:] = scene(3, 380, 220)
    assert still_there(before, [LINE], after, [PLACE])
    assert not still_there(before, [LINE], after, [PLACE, Box(0.7, 0.7, 0.9, 0.8)])


def test_another_word_in_the_same_place_is_seen() -> None:
    before, after = (slide([f"budget {word}"], Style(48)) for word in ("harbour", "history"))
    assert not still_there(before, [LINE], after, [PLACE])
    assert not still_there(before, [], before, [PLACE])


def test_writing_that_moves_with_the_scene() -> None:
    assert moved([PLACE], [Box(0.12, 0.14, 0.49, 0.21)])
    assert not moved([PLACE], [PLACE])
    assert not moved([PLACE], [Box(0.12, 0.14, 0.49, 0.35)])
    assert not moved([PLACE], [Box(0.5, 0.6, 0.87, 0.67)])
    assert not moved([PLACE], [])
