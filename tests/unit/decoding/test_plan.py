"""What of each group is decoded, and how that follows what was seen."""

from types import SimpleNamespace
from typing import Any

from services.core.times import SECOND
from services.decoding.domain.groups import Use
from services.decoding.domain.signature import Bytes
from services.decoding.pyav_groups import Group
from services.decoding.pyav_plan import MOST_CREDIT, MOST_DEBT, TRUSTED, WARY, Planner
from tests.fakes.decoding import signature_of
from tests.media.pictures import pan, scene

RATE = 25
LENGTH = 2 * RATE
W = Use.WHOLE


def planner(codec: str = "vp9") -> Planner:
    context = SimpleNamespace(codec=SimpleNamespace(canonical_name=codec), width=1280, height=720, extradata=None)
    source: Any = SimpleNamespace(video=SimpleNamespace(codec_context=context), time=lambda pts: pts * SECOND // RATE)
    return Planner(source, lambda time, until: -(-time // SECOND) * SECOND < until, SECOND // 2)


def group(number: int, length: int = LENGTH, inner: int = 3000, whole: bool = True, leading: int = 0) -> Group:
    """Packets of a group that begins `number` LENGTHs into the film; so many are shown before its keyframe."""
    start = number * LENGTH
    pts = [start, *range(start - leading, start), *range(start + 1, start + length)]
    packets: Any = [SimpleNamespace(pts=p, size=30_000 if p == start else inner, is_keyframe=p == start) for p in pts]
    return Group(packets, whole)


class Data(bytes):
    """A packet that holds data."""

    def __new__(cls, data: bytes, pts: int, size: int) -> "Data":
        found = super().__new__(cls, data)
        found.pts, found.size, found.is_keyframe = pts, size, True
        return found

    pts: int
    size: int
    is_keyframe: bool


def walked(found: Planner, numbers: range, looks: list[Bytes]) -> list[list[Use]]:
    """The plans of moving groups, each of whose frames is seen before the next is planned."""
    plans = []
    for n in numbers:
        plans.append(found.plan(group(n), group(n + 1)))
        for i in range(LENGTH + 1):
            found.look(n * LENGTH + i, looks[min(n * LENGTH + i, len(looks) - 1)])
    return plans


def test_a_group_that_stands_is_its_keyframe() -> None:
    assert planner().plan(group(0, inner=80), group(1, inner=80)) == [W] + [Use.SKIP] * (LENGTH - 1)


def test_nothing_is_left_out_of_what_cannot_be_told() -> None:
    for found, one, after in (
        (planner("mpeg4"), group(0, inner=80), group(1)),
        (planner(), group(0, inner=80, whole=False), group(1)),
    ):
        assert set(found.plan(one, after)) == {W}
    assert Use.SKIP not in planner().plan(group(0, inner=80), None)
    assert Use.SKIP not in planner().plan(group(0, inner=80), group(1, whole=False))
    # A keyframe of H.264 that is no IDR picture.
    opened = planner("h264")
    after = group(1, inner=80)
    after.packets[0] = Data(b"\x00\x00\x01\x41\x00", LENGTH, 30_000)
    assert Use.SKIP not in opened.plan(group(0, inner=80), after)


def test_pictures_made_from_those_left_out_are_left_out_too() -> None:
    found = planner()
    found.plan(group(0, inner=80), group(1, inner=80, leading=2))
    plan = found.plan(group(1, inner=3000, leading=2), group(2))
    assert plan[:3] == [W, Use.SKIP, Use.SKIP]
    assert Use.SKIP not in plan[3:]


def test_moving_pictures_are_left_out_once_that_has_proven_right() -> None:
    looks = [signature_of(p) for p in pan(1, 6 * LENGTH, reach=0.3)]
    plans = walked(planner(), range(6), looks)
    assert all(Use.BLIND not in plan for plan in plans[:TRUSTED])
    assert all(plan[RATE + 1 :] == [Use.BLIND] * (LENGTH - RATE - 1) for plan in plans[TRUSTED:])


def test_broken_promises_end_that() -> None:
    looks = [signature_of(p) for p in pan(1, 6 * LENGTH, reach=0.3)]
    looks += [signature_of(scene(i)) for i in range(2, 2 + 2 * LENGTH)]
    plans = walked(planner(), range(8), looks)
    assert [Use.BLIND in plan for plan in plans] == [False, False, *[True] * 5, False]


def test_a_keyframe_that_comes_early_ends_no_group_blindly() -> None:
    found = planner()
    looks = [signature_of(p) for p in pan(1, 5 * LENGTH, reach=0.2)]
    walked(found, range(4), looks)
    assert Use.BLIND not in found.plan(group(4, length=LENGTH - 8), group(5))


def test_who_reads_much_twice_leaves_nothing_out_for_a_while() -> None:
    found = planner()
    found.spent(MOST_DEBT + 1)
    plans = [found.plan(group(n, inner=80), group(n + 1, inner=80)) for n in range(WARY // LENGTH + 1)]
    assert all(set(plan) == {W} for plan in plans[:-1])
    assert Use.SKIP in plans[-1]


def test_what_was_saved_pays_for_what_is_read_twice() -> None:
    found = planner()
    found.saved(10 * MOST_CREDIT)
    found.spent(MOST_CREDIT)
    assert Use.SKIP in found.plan(group(0, inner=80), group(1, inner=80))
    found.spent(MOST_CREDIT)
    assert Use.SKIP not in found.plan(group(1, inner=80), group(2, inner=80))
