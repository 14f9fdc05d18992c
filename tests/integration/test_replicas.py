"""Several pipelines on one catalog: every job is sent once, and what is lost on the way is found by one of them."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.catalog.settings import CatalogSettings
from services.catalog.states import JobState
from services.core.errors import Unavailable
from services.core.jobs import Job
from services.pipeline.settings import PipelineSettings
from services.runtime.queue import task_id
from tests.fakes.house import House, open_house
from tests.fakes.pipeline import FakeQueue, success

REPLICAS, VIDEOS, SEGMENTS = 3, 6, 2
WITHIN_S = 240.0
PATIENT = PipelineSettings(search_address="none", silence_s=600, unclaimed_s=600)
HASTY = PipelineSettings(search_address="none", silence_s=600, unclaimed_s=0.2)


class LossyQueue(FakeQueue):
    """Loses every third message that it is given, and answers every seventh with an error."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0
        self._lock = threading.Lock()

    def send(self, job: Job) -> None:
        with self._lock:
            self.given += 1
            number = self.given
        if number % 7 == 0:
            raise Unavailable("down")
        if number % 3:
            super().send(job)


def replicas(
    stack: ExitStack, folder: Path, catalog: CatalogSettings, queue: FakeQueue, how: PipelineSettings
) -> list[House]:
    return [stack.enter_context(open_house(folder, catalog, queue=queue, settings=how)) for _ in range(REPLICAS)]


def at_once(acts: list[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result(WITHIN_S)


def worker(house: House, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            message = house.queue.messages.popleft()
        except IndexError:
            time.sleep(0.005)
            continue
        house.pipeline.report(success(message, SEGMENTS))


def watcher(house: House, names: list, ended: threading.Event) -> None:
    deadline = time.monotonic() + WITHIN_S
    try:
        while any(house.state(name) != "READY" for name in names):
            assert time.monotonic() < deadline, Counter(house.state(name) for name in names)
            house.reconciler.look()
    finally:
        ended.set()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def test_what_is_due_is_sent_once_however_many_look(catalog: CatalogSettings, tmp_path: Path, stack: ExitStack) -> None:
    queue = FakeQueue()
    houses = replicas(stack, tmp_path, catalog, queue, PATIENT)
    names = [houses[0].add(f"v{number}") for number in range(VIDEOS)]
    ended = threading.Event()
    acts = [lambda h=house: worker(h, ended) for house in houses]
    at_once([*acts, *(lambda h=house: watcher(h, names, ended) for house in houses)])
    sent = Counter(task_id(job) for job in queue.sent)
    assert set(sent.values()) == {1}
    assert len(sent) == sum(len(houses[0].jobs(name)) for name in names)


def test_lost_messages_are_found_by_one_of_several_reconcilers(
    catalog: CatalogSettings, tmp_path: Path, stack: ExitStack
) -> None:
    queue = LossyQueue()
    houses = replicas(stack, tmp_path, catalog, queue, HASTY)
    names = [houses[0].add(f"v{number}") for number in range(VIDEOS)]
    ended = threading.Event()
    acts = [lambda h=house: worker(h, ended) for house in houses]
    at_once([*acts, *(lambda h=house: watcher(h, names, ended) for house in houses)])
    for name in names:
        jobs = houses[-1].jobs(name).values()
        assert {job.state for job in jobs} == {JobState.SUCCEEDED}
        assert all(job.tries == 0 for job in jobs)
    assert queue.given > len(queue.sent)
