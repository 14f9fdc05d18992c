"""Every object store keeps the same promises: a folder, and a real S3 server."""

import io
import os
import resource
import threading
import time

import pytest

from services.core.errors import NotFound, StorageFull, Unavailable, VidxError
from services.core.store import ObjectStore
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from services.runtime.store_folder import LEFTOVER_S, FolderStore
from services.runtime.store_s3 import S3Store

BIG = bytes(range(256)) * 80_000  # 20 MB: more than one part of a multipart upload
KEYS = ["a", "collections/c/videos/v/source", "collections/c/videos/v/decoding/frames/000001-ab.pb", "c/v w/ä+%20&.x"]


@pytest.fixture
def store(every_store: StoreSettings) -> ObjectStore:
    connect(every_store)
    # Once more: every service makes the bucket at its start.
    return connect(every_store).objects


@pytest.mark.parametrize("key", KEYS)
def test_what_is_put_is_read_back_whole_in_part_and_as_a_file(store: ObjectStore, key: str) -> None:
    assert store.put(key, b"0123456789") == 10
    assert store.get(key) == b"0123456789"
    assert store.read(key, 3, 4) == b"3456"
    assert store.read(key, 8, 100) == b"89"
    assert store.read(key, 3, 0) == store.read(key, 10, 5) == store.read(key, 50, 5) == b""
    found = store.stat(key)
    assert found is not None
    assert (found.key, found.size) == (key, 10)
    with store.local(key) as path:
        assert path.read_bytes() == b"0123456789"
    with store.open(key) as stream:
        assert stream.read(4) == b"0123"


def test_a_long_stream_of_unknown_length_arrives_whole(store: ObjectStore) -> None:
    assert store.put("big", io.BytesIO(BIG)) == len(BIG)
    with store.local("big") as path:
        assert path.read_bytes() == BIG
    assert store.put("empty", io.BytesIO(b"")) == 0
    assert store.get("empty") == b""


def test_putting_again_replaces_and_a_local_copy_is_never_stale(store: ObjectStore) -> None:
    store.put("k", b"old")
    with store.local("k") as path:
        assert path.read_bytes() == b"old"
    store.put("k", b"new")
    with store.local("k") as path:
        assert path.read_bytes() == b"new"


def test_what_is_not_there_is_not_found(store: ObjectStore) -> None:
    assert store.stat("none") is None
    for act in (store.get, lambda k: store.read(k, 0, 1), lambda k: store.local(k).__enter__()):
        with pytest.raises(NotFound):
            act("none")
    with pytest.raises(NotFound), store.open("none"):
        pass


def test_walking_finds_exactly_the_keys_with_the_prefix_in_order(store: ObjectStore) -> None:
    for key in ("p/b", "p/a/x", "p/a/y", "pq", "q"):
        store.put(key, key.encode())
    assert [(o.key, o.size) for o in store.walk("p/")] == [("p/a/x", 5), ("p/a/y", 5), ("p/b", 3)]
    assert [o.key for o in store.walk("p/a")] == ["p/a/x", "p/a/y"]
    assert [o.key for o in store.walk("p")] == ["p/a/x", "p/a/y", "p/b", "pq"]
    assert len(list(store.walk(""))) == 5
    assert list(store.walk("none/")) == []


def test_deleting_takes_what_is_there_and_passes_over_the_rest(store: ObjectStore) -> None:
    for i in range(30):
        store.put(f"d/{i:02}", b"x")
    store.delete([f"d/{i:02}" for i in range(0, 40, 2)])
    assert [o.key for o in store.walk("d/")] == [f"d/{i:02}" for i in range(1, 30, 2)]
    store.delete([])


def test_a_stream_that_breaks_leaves_no_object(store: ObjectStore) -> None:
    class Breaks(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionError("gone")

    with pytest.raises((VidxError, ConnectionError)):
        store.put("half", Breaks())  # type: ignore[arg-type]
    assert store.stat("half") is None
    assert list(store.walk("")) == []


def test_many_writers_at_once_lose_nothing(store: ObjectStore) -> None:
    def write(worker: int) -> None:
        for i in range(10):
            store.put(f"w/{i}/{worker}", b"x" * worker)
            store.put("shared", b"y" * 1000)
            store.delete([f"w/{i}/{worker - 100}"])

    threads = [threading.Thread(target=write, args=(w,)) for w in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(store.walk("w/"))) == 60
    assert store.get("shared") == b"y" * 1000


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a/../../x", "a//b", "a/./b", "", ".partial/x", "a\0b"])
def test_a_folder_refuses_keys_that_lead_out_of_it(tmp_path, key: str) -> None:
    store = FolderStore(tmp_path / "store")
    for act in (lambda: store.put(key, b"x"), lambda: store.get(key), lambda: store.delete([key])):
        with pytest.raises(VidxError, match="not an object key"):
            act()


def test_what_a_process_that_died_was_writing_is_removed_at_the_next_start(tmp_path) -> None:
    store = FolderStore(tmp_path / "store")
    dead, alive = tmp_path / "store" / ".partial" / "dead", tmp_path / "store" / ".partial" / "alive"
    for file in (dead, alive):
        file.write_bytes(b"x")
    os.utime(dead, (1, time.time() - 2 * LEFTOVER_S))
    store.put("k", b"x")
    FolderStore(tmp_path / "store")
    assert (dead.exists(), alive.exists()) == (False, True)


def test_a_folder_has_the_names_of_its_objects_on_the_disk(tmp_path, monkeypatch) -> None:
    store = FolderStore(tmp_path / "store")
    synced = set()
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        synced.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    store.put("a/b/c", b"x")
    root = tmp_path / "store"
    assert {str(root), str(root / "a"), str(root / "a" / "b")} <= synced
    synced.clear()
    store.put("a/b/d", b"x")
    assert str(root / "a" / "b") in synced


def test_a_folder_that_would_run_full_refuses_and_leaves_nothing(tmp_path) -> None:
    store = FolderStore(tmp_path / "store", min_free_bytes=1 << 60)
    with pytest.raises(StorageFull, match="VIDX_STORE_MIN_FREE_BYTES"):
        store.put("k", b"x")
    assert list(store.walk("")) == []
    assert list((tmp_path / "store" / ".partial").iterdir()) == []


def test_a_file_that_cannot_grow_is_told_as_a_full_store_and_leaves_nothing(tmp_path) -> None:
    store = FolderStore(tmp_path / "store")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageFull):
            store.put("k", io.BytesIO(b"x" * 5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(store.walk("")) == []
    assert list((tmp_path / "store" / ".partial").iterdir()) == []


def test_an_s3_server_that_is_away_is_unavailable(tmp_path) -> None:
    store = S3Store("127.0.0.1:1", "bucket", "a:b", "c", secure=False, region="us-east-1", scratch=tmp_path)
    with pytest.raises(Unavailable):
        store.get("k")
