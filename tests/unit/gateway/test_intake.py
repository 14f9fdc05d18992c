"""Streams of one request that overlap, and uploads that lose their place, never harm a video that is there."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from services.catalog.models import Upload
from services.core import artifacts
from services.core.errors import ChecksumMismatch, Exhausted, NotFound, VidxError
from services.core.names import CollectionName, VideoName
from services.core.text import Source, TranscriptTrack
from services.gateway.collections import Collections
from services.gateway.intake import Intake
from services.gateway.spec import Spec
from services.pipeline import ledger

PARENT = CollectionName("c")
FILM = b"0123456789" * 1000
OTHER = b"9876543210" * 1000


class Unread:
    """Takes any subtitle file."""

    def read(self, file_name: str, content: bytes, language: str, field: str) -> TranscriptTrack:
        return TranscriptTrack(language, Source.SUBTITLE_FILE)


@pytest.fixture
def intake(house, monkeypatch) -> Intake:
    monkeypatch.setattr("services.gateway.parts.PART_BYTES", 1000)
    return Intake(house.database, house.store, house.control, Unread(), 1_000_000, max_uploads=2)


def pieces(data: bytes, before: dict[int, Callable[[], object]] | None = None) -> Iterator[bytes]:
    """The data in pieces of 1,000 bytes; `before` says what happens before which piece."""
    for i in range(0, len(data), 1000):
        if before and i // 1000 in before:
            before[i // 1000]()
        yield data[i : i + 1000]


def upload(intake: Intake, chunks, *, data: bytes = FILM, offset: int = 0, checked: bool = False, **spec) -> VideoName:
    digest = hashlib.sha256(data).hexdigest() if checked else ""
    return intake.upload(PARENT, "r", offset, len(data), digest, Spec(**spec), chunks)


def source(house, name: VideoName) -> bytes:
    return house.store.objects.get(artifacts.source_key(name))


def test_a_second_stream_of_a_request_answers_with_the_video_that_the_first_made(house, intake) -> None:
    made: list[VideoName] = []
    slow = pieces(FILM, {5: lambda: made.append(upload(intake, pieces(FILM)))})
    assert upload(intake, slow) == made[0]
    assert source(house, made[0]) == FILM
    assert list(house.store.objects.walk("uploads/")) == []


def test_a_second_stream_with_other_bytes_does_not_touch_the_video_that_the_first_made(house, intake) -> None:
    made: list[VideoName] = []
    slow = pieces(OTHER, {0: lambda: made.append(upload(intake, pieces(FILM), checked=True))})
    assert upload(intake, slow, data=OTHER, checked=True) == made[0]
    assert source(house, made[0]) == FILM


def test_a_duplicate_that_was_wanted_survives_a_second_stream_of_its_request(house, intake, monkeypatch) -> None:
    first = intake.upload(PARENT, "first", 0, len(FILM), "", Spec(), pieces(FILM))
    made: list[VideoName] = []
    original = house.control.save_info

    def save_info(video) -> None:
        monkeypatch.setattr(house.control, "save_info", original)
        made.append(upload(intake, pieces(FILM), allow_duplicate=True))
        original(video)

    monkeypatch.setattr(house.control, "save_info", save_info)
    assert upload(intake, pieces(FILM), allow_duplicate=True) == made[0] != first
    assert source(house, made[0]) == FILM


def test_the_last_bytes_of_a_stream_whose_client_has_gone_do_not_replace_those_that_came_since(house, intake) -> None:
    def gone() -> Iterator[bytes]:
        yield FILM[1000:1300]
        raise ConnectionError("the client has gone, which is noticed late")

    def last_bytes() -> None:
        with pytest.raises(ConnectionError):
            upload(intake, gone(), offset=1000, checked=True)

    name = upload(intake, pieces(FILM, {5: last_bytes}), checked=True)
    assert source(house, name) == FILM
    assert list(house.store.objects.walk("uploads/")) == []


def test_wrong_bytes_never_become_an_object(house, intake) -> None:
    seen: list[str] = []
    put = house.store.objects.put

    def spy(key: str, data) -> int:
        size = put(key, data)
        seen.append(key)
        return size

    house.store.objects.put = spy
    with pytest.raises(ChecksumMismatch):
        intake.upload(PARENT, "r", 0, len(FILM), "0" * 64, Spec(), pieces(FILM))
    assert not [key for key in seen if key.endswith("/source")]


def test_a_video_that_was_removed_is_not_entered_again_by_a_stream_that_is_late(house, intake) -> None:
    def come_and_go() -> None:
        house.control.remove(upload(intake, pieces(FILM)))

    with pytest.raises(VidxError):
        upload(intake, pieces(FILM, {9: come_and_go}))
    with house.database.write() as session:
        planned = VideoName("c", session.get(Upload, ("c", "r")).planned)
    assert house.state(planned) == "GONE"
    assert list(house.store.objects.walk("collections/")) == []


def test_a_finished_request_whose_video_was_removed_begins_anew(house, intake) -> None:
    house.control.remove(upload(intake, pieces(FILM)))
    assert intake.finished(PARENT, "r") is None
    assert intake.state(PARENT, "r") == (0, None)
    assert house.state(upload(intake, pieces(FILM))) == "PROCESSING"


def test_a_slow_upload_is_not_taken_for_a_forgotten_one(house, intake) -> None:
    def a_day_passes() -> None:
        house.reconciler.look()

    def age() -> None:
        with house.database.write() as session:
            session.execute(sa.update(Upload).values(updated=0))

    name = upload(intake, pieces(FILM, {3: age, 6: a_day_passes}), checked=True)
    assert source(house, name) == FILM


def test_an_upload_that_was_forgotten_leaves_nothing(house, intake) -> None:
    with pytest.raises(VidxError):
        upload(intake, pieces(FILM[:5000]))
    with house.database.write() as session:
        upload_row = session.get(Upload, ("c", "r"))
        upload_row.updated = 0
        planned = VideoName("c", upload_row.planned)
    house.store.objects.put(artifacts.source_key(planned), b"of a gateway that died between store and catalog")
    house.reconciler.look()
    house.reconciler.look()
    assert list(house.store.objects.walk("")) == []
    with pytest.raises(NotFound):
        intake.state(PARENT, "r")


def test_a_collection_takes_its_unfinished_uploads_along(house, intake) -> None:
    with pytest.raises(VidxError):
        upload(intake, pieces(FILM[:5000]))
    Collections(house.database, house.control).delete(PARENT, force=True)
    house.reconciler.look()
    house.reconciler.look()
    assert list(house.store.objects.walk("")) == []


def test_a_collection_that_is_removed_ends_the_uploads_into_it(house, intake) -> None:
    def remove() -> None:
        Collections(house.database, house.control).delete(PARENT, force=True)
        house.reconciler.look()

    with pytest.raises(NotFound):
        upload(intake, pieces(FILM, {5: remove}))
    assert list(house.store.objects.walk("")) == []


def test_uploads_beyond_the_bound_are_told_to_come_back(intake) -> None:
    with intake.room(PARENT), intake.room(PARENT), pytest.raises(Exhausted), intake.room(PARENT):
        pass
    with intake.room(PARENT):
        pass


def test_one_collection_leaves_room_for_the_uploads_of_others(house) -> None:
    intake = Intake(house.database, house.store, house.control, Unread(), 1_000_000, max_uploads=8)
    other, third = CollectionName("other"), CollectionName("third")
    with ExitStack() as held:
        for _ in range(6):
            held.enter_context(intake.room(PARENT))
        with pytest.raises(Exhausted):
            held.enter_context(intake.room(PARENT))
        with intake.room(other):
            with pytest.raises(Exhausted):
                held.enter_context(intake.room(other))
            held.enter_context(intake.room(third))
    with intake.room(PARENT):
        pass


def test_a_video_is_entered_once_even_when_its_request_is_entered_twice(house, intake) -> None:
    name = upload(intake, pieces(FILM))
    with house.database.read() as session:
        assert ledger.find(session, name) is not None
    assert upload(intake, pieces(OTHER), data=OTHER) == name
    assert source(house, name) == FILM
