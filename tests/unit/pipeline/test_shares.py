"""Nobody's many jobs keep another's one waiting."""

from collections import Counter, deque
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.catalog.models import Collection, Job
from services.catalog.states import JobState
from services.pipeline import ledger
from services.pipeline.shares import share
from tests.fakes.house import House


class Line:
    """A queue over collections, as the pipeline fills it: at most `window` in flight, first in, first out."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.waiting: dict[str, deque[str]] = {}
        self.turns: dict[str, int] = {}
        self.clock = 0
        self.flying: deque[str] = deque()
        self.done: list[str] = []

    def add(self, collection: str, jobs: int) -> None:
        self.waiting.setdefault(collection, deque()).extend([collection] * jobs)
        self.fill()

    def fill(self) -> None:
        def taken(jobs: deque[str]) -> Iterator[str]:
            while jobs:
                yield jobs.popleft()

        room = self.window - len(self.flying)
        waiting = {collection: taken(jobs) for collection, jobs in self.waiting.items() if jobs}
        shared = share(waiting, self.turns, self.clock, room)
        self.turns |= shared.turns
        self.clock = shared.clock
        self.flying.extend(shared.sent)

    def end_one(self) -> None:
        self.done.append(self.flying.popleft())
        self.fill()


def test_one_video_of_a_newcomer_does_not_wait_for_ten_thousand_of_another(capsys) -> None:
    line = Line(window=64)
    line.add("big", 10_000)
    for _ in range(100):
        line.end_one()
    line.add("small", 1)
    before = len(line.done)
    while "small" not in line.done:
        line.end_one()
    waited = len(line.done) - before - 1
    with capsys.disabled():
        print(f"\n1 job beside 9,900 waiting ones: {waited} go before it; oldest first, 9,900 would")
    assert waited == 64  # what was on the queue already


def test_ten_collections_get_a_tenth_each_whatever_they_have() -> None:
    line = Line(window=16)
    for n in range(10):
        line.add(f"c{n}", 10 ** (1 + n % 4) * 20)
    for _ in range(1000):
        line.end_one()
    counts = Counter(line.done[100:])
    assert min(counts.values()) >= 85
    assert max(counts.values()) <= 95


def test_who_had_nothing_to_do_has_saved_nothing_up() -> None:
    line = Line(window=1)
    line.add("late", 1)
    line.end_one()
    line.add("steady", 1000)
    for _ in range(500):
        line.end_one()
    line.add("late", 100)
    before = len(line.done)
    for _ in range(60):
        line.end_one()
    counts = Counter(line.done[before + 1 :])
    assert abs(counts["late"] - counts["steady"]) <= 2


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 8),
    st.lists(st.one_of(st.just("end"), st.tuples(st.sampled_from("abcd"), st.integers(1, 12))), max_size=60),
)
def test_nothing_is_lost_and_nobody_gets_more_than_one_ahead(window: int, events) -> None:
    line = Line(window)
    added: Counter[str] = Counter()
    for event in events:
        if event == "end":
            if line.flying:
                line.end_one()
        else:
            added[event[0]] += event[1]
            line.add(*event)
        assert len(line.flying) <= window
        # Work is never held back while there is room.
        assert len(line.flying) == window or not any(line.waiting.values())
        waiting = [line.turns.get(c, line.clock) for c, jobs in line.waiting.items() if jobs]
        assert all(abs(max(one, line.clock) - line.clock) <= 1 for one in waiting)
    while line.flying:
        line.end_one()
    assert Counter(line.done) == added


@pytest.fixture
def two(house: House) -> House:
    with house.database.write() as session:
        session.add(Collection(id="d", created=2))
    return house


def add_jobs(house: House, collection: str, count: int, created: int) -> None:
    """Due jobs of as many videos, entered as rows."""
    from services.catalog.models import Video

    with house.database.write() as session:
        for n in range(count):
            fields = {"title": "t", "labels": {}, "state": "PROCESSING", "info_key": "k", "size_bytes": 1}
            session.add(
                Video(collection=collection, id=f"v{n}", created=created + n, updated=1, sha256=f"{n}", **fields)
            )
        session.flush()
        for n in range(count):
            session.add(
                Job(
                    collection=collection, video=f"v{n}", step="decoding.plan", segment=-1, queue="decoding",
                    state=JobState.DUE, created=created + n,
                )
            )  # fmt: skip


def claimed(house: House, room: int) -> list[tuple[str, str]]:
    with house.database.write() as session:
        return [(job.collection, job.video) for job in ledger.claim(session, "decoding", room)]


def test_the_catalog_hands_out_jobs_in_turn_and_the_oldest_first_within_a_collection(two: House) -> None:
    add_jobs(two, "c", 200, created=1)
    assert claimed(two, 3) == [("c", "v0"), ("c", "v1"), ("c", "v2")]
    add_jobs(two, "d", 2, created=1000)
    assert [sorted(claimed(two, 2)) for _ in range(3)] == [
        [("c", "v3"), ("d", "v0")],
        [("c", "v4"), ("d", "v1")],
        [("c", "v5"), ("c", "v6")],
    ]
    with two.database.read() as session:
        states = Counter(session.scalars(sa.select(Job.state).where(Job.collection == "c")))
    assert states == {JobState.QUEUED: 7, JobState.DUE: 193}


def test_jobs_that_wait_for_their_next_try_do_not_hold_a_turn(two: House) -> None:
    add_jobs(two, "c", 2, created=1)
    add_jobs(two, "d", 2, created=1)
    with two.database.write() as session:
        session.execute(sa.update(Job).where(Job.collection == "c").values(not_before=ledger.now() + 10**12))
    assert claimed(two, 10) == [("d", "v0"), ("d", "v1")]
    assert claimed(two, 10) == []
