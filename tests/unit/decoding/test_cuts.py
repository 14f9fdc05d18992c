"""Where shots begin: known truth, as named cases."""

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from services.core.media import Transition
from services.core.times import SECOND
from services.decoding.domain.detection import MARGIN, Cut, CutFinder, find_cuts
from tests.fakes.decoding import seen
from tests.media.pictures import Picture, flash, hold, mix, pan, plain, scene, shake, zoom

Film = Callable[[], Iterable[Picture]]
BLACK, WHITE = plain(16), plain(240)


def cuts(pictures: Iterable[Picture], rate: int = 25) -> list[tuple[int, Transition]]:
    """Frame numbers of the cuts found."""
    times, signatures = seen(pictures, rate)
    return [(round(cut.time * rate / SECOND), cut.transition) for cut in find_cuts(times, signatures)]


def chain(*parts: Iterable[Picture]) -> list[Picture]:
    return list(itertools.chain(*parts))


def exposed(level: Callable[[int], float]) -> list[Picture]:
    return [np.clip(p * level(i), 0, 255).astype(np.uint8) for i, p in enumerate(pan(3, 75))]


@pytest.mark.parametrize(
    "film",
    [
        pytest.param(lambda: pan(1, 100), id="slow pan"),
        pytest.param(lambda: pan(1, 50, reach=1.5), id="fast pan"),
        pytest.param(lambda: zoom(2, 100), id="slow zoom"),
        pytest.param(lambda: zoom(2, 40, factor=2.5), id="fast zoom"),
        pytest.param(lambda: shake(3, 100), id="hand-held"),
        pytest.param(lambda: hold(scene(4), 60), id="still"),
        pytest.param(lambda: flash(list(pan(5, 60)), 30), id="photo flash"),
        pytest.param(lambda: flash(flash(list(pan(5, 60)), 30, 200, 4), 38, 200, 2), id="two flashes"),
        pytest.param(lambda: exposed(lambda i: 0.7 if i < 40 else 1.0), id="light switched on"),
        pytest.param(lambda: exposed(lambda i: 0.6 + 0.4 * min(1, i / 60)), id="exposure that adapts"),
        pytest.param(lambda: [p for p in pan(6, 30, reach=0.6) for _ in range(2)], id="each frame twice"),
        pytest.param(lambda: chain(hold(BLACK, 20), mix(BLACK, scene(1), 15), pan(1, 50)), id="fade in at the start"),
        pytest.param(lambda: chain(hold(BLACK, 20), pan(1, 50)), id="black before the first picture"),
        pytest.param(lambda: chain(hold(scene(1), 50), mix(scene(1), BLACK, 15), hold(BLACK, 20)), id="fade out"),
    ],
)
def test_one_shot_is_not_cut(film: Film) -> None:
    assert cuts(film()) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_hard_cut_is_found_at_its_frame(seed: int) -> None:
    film = chain(pan(10 * seed, 50), pan(10 * seed + 1, 40), shake(10 * seed + 2, 40))
    assert cuts(film) == [(50, Transition.CUT), (90, Transition.CUT)]


def test_cuts_a_few_frames_apart_are_all_found() -> None:
    lengths = [40, 12, 9, 14, 10, 40]
    film = chain(*(pan(seed, n) for seed, n in enumerate(lengths)))
    assert [frame for frame, _ in cuts(film)] == np.cumsum(lengths)[:-1].tolist()


def test_a_cut_between_even_colours_is_found() -> None:
    colours = [np.full((90, 160, 3), c, np.uint8) for c in ((90, 100, 110), (140, 90, 90), (80, 130, 85))]
    assert cuts(chain(*(hold(c, 10) for c in colours)), rate=10) == [(10, Transition.CUT), (20, Transition.CUT)]


def test_stills_seconds_apart_are_shots() -> None:
    times = np.arange(6, dtype=np.int64) * 10 * SECOND
    _, signatures = seen(scene(i // 2) for i in range(6))
    assert [cut.time // SECOND for cut in find_cuts(times, signatures)] == [20, 40]


@pytest.mark.parametrize("length", [6, 12, 25, 50])
def test_a_dissolve_is_one_transition_at_its_middle(length: int) -> None:
    film = chain(hold(scene(20), 60), mix(scene(20), scene(21), length), hold(scene(21), 60))
    ((frame, kind),) = cuts(film)
    assert kind is Transition.GRADUAL
    assert abs(frame - (60 + length / 2)) <= 1.5


def test_a_dissolve_between_moving_shots_is_found() -> None:
    a, b = list(pan(22, 80)), list(pan(23, 80))
    mixed = [
        (x * (1 - i / 20) + y * (i / 20)).astype(np.uint8) for i, (x, y) in enumerate(zip(a[60:], b, strict=False))
    ]
    ((frame, kind),) = cuts([*a[:60], *mixed, *b[20:]])
    assert kind is Transition.GRADUAL
    assert abs(frame - 70) <= 2


@pytest.mark.parametrize("even", [pytest.param(BLACK, id="black"), pytest.param(WHITE, id="white")])
@pytest.mark.parametrize("hold_frames", [1, 12, 30])
def test_a_fade_through_one_colour_is_one_transition(even: Picture, hold_frames: int) -> None:
    a, b = scene(30), scene(31)
    film = chain(hold(a, 60), mix(a, even, 15), hold(even, hold_frames), mix(even, b, 15), hold(b, 60))
    ((frame, kind),) = cuts(film)
    assert kind is Transition.GRADUAL
    assert abs(frame - (75 + hold_frames / 2)) <= 2


def test_a_hard_cut_to_black_and_a_fade_from_it_are_one_transition() -> None:
    film = chain(hold(scene(30), 60), hold(BLACK, 30), mix(BLACK, scene(31), 30), hold(scene(31), 60))
    ((frame, kind),) = cuts(film)
    # Midway between the last of the old picture and the half-way point of the fade.
    assert kind is Transition.GRADUAL
    assert abs(frame - (60 + 105) / 2) <= 2


def test_black_that_lasts_is_a_shot() -> None:
    film = chain(hold(scene(30), 60), hold(BLACK, 100), hold(scene(31), 60))
    assert cuts(film) == [(60, Transition.CUT), (160, Transition.CUT)]


def test_a_dark_scene_is_not_taken_for_fades() -> None:
    night = [np.clip(p * 0.07 + 10 + 2 * np.sin(i / 7), 0, 255).astype(np.uint8) for i, p in enumerate(pan(40, 150))]
    assert cuts(night) == []


def test_the_result_does_not_depend_on_where_one_begins_to_look() -> None:
    film = chain(
        pan(50, 200), pan(51, 150), mix(scene(52), scene(53), 20), hold(scene(53), 150), mix(scene(53), BLACK, 12),
        hold(BLACK, 10), mix(BLACK, scene(54), 12), hold(scene(54), 200), pan(55, 300), shake(56, 300), pan(57, 300),
    )  # fmt: skip
    times, signatures = seen(film)
    whole = find_cuts(times, signatures)
    assert len(whole) >= 6
    for begin in range(0, len(times), 211):
        low = int(times[begin])
        part = find_cuts(times[begin:], signatures[begin:])
        assert [c for c in part if c.time >= low + MARGIN] == [c for c in whole if c.time >= low + MARGIN]
        part = find_cuts(times[: begin + 1], signatures[: begin + 1])
        assert [c for c in part if c.time < low - MARGIN] == [c for c in whole if c.time < low - MARGIN]


def test_frame_by_frame_gives_the_same_cuts_in_bounded_memory() -> None:
    film = chain(*(pan(seed, 60 + seed) for seed in range(60)))
    times, signatures = seen(film)
    finder, found, most = CutFinder(), list[Cut](), 0
    for time, signature in zip(times.tolist(), signatures, strict=True):
        fresh = finder.push(time, signature)
        assert all(cut.time < finder.settled for cut in fresh)
        found += fresh
        most = max(most, finder.count)
    assert found + finder.finish() == find_cuts(times, signatures)
    assert most < 80 * 25


def test_a_cut_has_a_transition() -> None:
    with pytest.raises(ValueError, match="transition"):
        Cut(0, Transition.NONE)
