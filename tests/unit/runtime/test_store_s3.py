"""Local copies of remote objects: shared by threads and processes, whole, and never taken away while in use."""

import errno
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from minio.error import S3Error

from services.core.errors import StorageFull
from services.runtime import store_s3
from services.runtime.store_s3 import S3Store


class FakeS3:
    """Objects in memory; `during` is called half-way through a download of the key."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.during = {}
        self.fetched: list[str] = []

    def stat_object(self, bucket: str, key: str) -> SimpleNamespace:
        return SimpleNamespace(etag=f"e-{key}", size=len(self.objects[key]))

    def fget_object(self, bucket: str, key: str, path: str, tmp_file_path: str) -> None:
        data = self.objects[key]
        self.fetched.append(key)
        with open(tmp_file_path, "wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            if key in self.during:
                self.during.pop(key)()
            file.write(data[len(data) // 2 :])
        os.rename(tmp_file_path, path)


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3({"a": b"aaaa" * 10, "b": b"bbbb" * 10})


@pytest.fixture
def connect(tmp_path, s3):
    def make(**more: int) -> S3Store:
        store = S3Store("h:1", "bucket", "k", "s", secure=False, region="r", scratch=tmp_path / "scratch", **more)
        store._client = s3
        return store

    return make


def files(tmp_path: Path) -> int:
    return len(list((tmp_path / "scratch").iterdir()))


def test_a_copy_is_fetched_once_and_read_many_times(connect, s3) -> None:
    store = connect()
    for _ in range(3):
        with store.local("a") as path, store.local("a") as again:
            assert path == again
            assert path.read_bytes() == s3.objects["a"]
    assert s3.fetched == ["a"]


def test_a_long_download_does_not_hold_up_another_object(connect, s3) -> None:
    store = connect()
    begun, go_on = threading.Event(), threading.Event()

    def during() -> None:
        begun.set()
        go_on.wait(120)

    def fetch() -> None:
        with store.local("a"):
            pass

    s3.during["a"] = during
    thread = threading.Thread(target=fetch)
    thread.start()
    assert begun.wait(60)
    other = threading.Thread(target=lambda: store.local("b").__enter__(), daemon=True)
    other.start()
    other.join(60)
    blocked = other.is_alive()
    go_on.set()
    thread.join()
    assert not blocked


def test_two_processes_that_fetch_the_same_object_do_not_spoil_each_others_copy(connect, s3, tmp_path) -> None:
    one, two = connect(), connect()

    def during() -> None:
        with two.local("a") as path:
            assert path.read_bytes() == s3.objects["a"]

    s3.during["a"] = during
    with one.local("a") as path:
        assert path.read_bytes() == s3.objects["a"]
    assert files(tmp_path) == 1


def test_a_copy_in_use_stays_when_room_is_made_and_goes_afterwards(connect, s3) -> None:
    one, two = connect(cache_bytes=50), connect(cache_bytes=50)
    with one.local("a") as used, two.local("b"):
        assert used.read_bytes() == s3.objects["a"]
    s3.objects["c"] = b"c" * 45
    with two.local("c"):
        assert not used.exists()


def test_a_download_that_breaks_leaves_nothing(connect, s3, tmp_path) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "no space")

    s3.during["a"] = full
    with pytest.raises(StorageFull, match="VIDX_STORE_SCRATCH"), connect().local("a"):
        pass
    assert files(tmp_path) == 0


def test_what_a_process_that_died_was_fetching_is_removed_and_what_another_is_fetching_is_not(
    connect, tmp_path
) -> None:
    store = connect()
    dead, alive = tmp_path / "scratch" / "1.part", tmp_path / "scratch" / "2.part"
    for file in (dead, alive):
        file.write_bytes(b"x")
    os.utime(dead, (1, time.time() - 2 * store_s3.LEFTOVER_S))
    with store.local("a"):
        pass
    assert (dead.exists(), alive.exists()) == (False, True)


def test_a_bucket_that_another_service_makes_at_the_same_moment_is_as_good(connect, s3) -> None:
    def make_bucket(bucket: str) -> None:
        raise S3Error(None, "BucketAlreadyOwnedByYou", "", "", "", "")

    s3.bucket_exists = lambda bucket: False
    s3.make_bucket = make_bucket
    connect().ensure_bucket()
