"""The labels of a collection reach each of its videos, however many there are."""

import pytest

from services.catalog.models import Collection
from services.core.errors import StorageFull
from services.core.media import VideoInfo
from services.core.names import CollectionName
from services.gateway.collections import Collections
from services.pipeline import relabel

PARENT = CollectionName("c")


@pytest.fixture
def collections(house) -> Collections:
    return Collections(house.database, house.control)


def labels(house, name) -> tuple[str, ...]:
    return house.store.load(house.video(name).info_key, VideoInfo).shot_labels


def pending(house) -> bool:
    with house.database.read() as session:
        return session.get(Collection, "c").relabel


def test_the_first_videos_are_told_at_once_and_the_reconciler_goes_on(house, collections, monkeypatch) -> None:
    monkeypatch.setattr(relabel, "AT_A_TIME", 2)
    names = [house.add(f"v{i}") for i in range(5)]
    house.work()
    collections.update(PARENT, ["a tree", "a car"])
    told = [bool(labels(house, name)) for name in names]
    assert told.count(True) == 2
    for _ in range(2):
        assert pending(house)
        house.reconciler.look()
    assert not pending(house)
    assert {labels(house, name) for name in names} == {("a tree", "a car")}
    house.work()
    assert {house.state(name) for name in names} == {"READY"}


def test_the_same_labels_again_do_nothing(house, collections) -> None:
    name = house.add()
    house.work()
    collections.update(PARENT, ["a tree"])
    house.pipeline.dispatch()
    house.work()
    sent = len(house.queue.sent)
    collections.update(PARENT, ["a tree"])
    house.reconciler.look()
    assert len(house.queue.sent) == sent
    assert house.state(name) == "READY"


def test_labels_that_are_taken_away_are_forgotten(house, collections) -> None:
    name = house.add()
    collections.update(PARENT, ["a tree"])
    collections.update(PARENT, [])
    assert labels(house, name) == ()
    assert not pending(house)


def test_labels_that_cannot_be_stored_are_told_later(house, collections) -> None:
    name = house.add()
    house.work()
    save = house.store.save

    def full(key, noun) -> None:
        raise StorageFull("full")

    house.store.save = full
    assert collections.update(PARENT, ["a tree"]).shot_labels == ("a tree",)
    assert pending(house)
    house.store.save = save
    house.reconciler.look()
    assert labels(house, name) == ("a tree",)


def test_a_video_that_comes_in_with_the_labels_of_before_is_told_as_well(house, collections) -> None:
    collections.update(PARENT, ["a tree"])
    assert not pending(house)
    with house.database.write() as session:
        session.get(Collection, "c").relabel = True
    name = house.add()  # whose info was written before the change
    house.reconciler.look()
    assert labels(house, name) == ("a tree",)


def test_a_stopped_video_takes_the_labels_when_it_is_retried(house, collections) -> None:
    name = house.add()
    house.work(until="search.index")
    house.control.cancel(name)
    house.queue.messages.clear()
    collections.update(PARENT, ["a tree"])
    assert house.state(name) == "CANCELLED"
    sent = len(house.queue.sent)
    house.control.retry(name, "")
    house.pipeline.dispatch()
    house.work()
    assert house.state(name) == "READY"
    assert "captioning.assemble" in {job.step for job in house.queue.sent[sent:]}
