"""Workers, parts and messages that die: the video becomes READY all the same, with the same rows."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import chain
from pathlib import Path

import psutil
import pytest
from google.protobuf.json_format import MessageToDict
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.runtime.grpc_client import channel
from tests.e2e.index import content, rows
from tests.media.films import film
from tests.media.pictures import pan
from tests.servers.platform import Platform

SHOTS = 16
WAIT_S = 300.0


@pytest.fixture(scope="module")
def platform(mortal_platform: Platform) -> Platform:
    return mortal_platform


@pytest.fixture(scope="module")
def long_film(tmp_path_factory) -> Path:
    """32 seconds, 16 shots: eight segments of four seconds."""
    pictures = chain.from_iterable(pan(seed, 50, 320, 180) for seed in range(SHOTS))
    return film(tmp_path_factory.mktemp("film") / "long.mp4", pictures)


@pytest.fixture(scope="module")
def undisturbed(platform: Platform, long_film: Path) -> list[tuple]:
    """The rows of the film when nothing goes wrong."""
    video = platform.messages("index", str(long_film), "--collection", "undisturbed", "--wait")[-1]
    found = content(rows(platform, "undisturbed"))
    assert len(found) == int(video["rowCount"]) >= 2 * SHOTS
    return found


def pids(platform: Platform, service: str) -> list[int]:
    """Process ids of a service, of its further workers, and of their children."""
    own = [p.pid for name, p in platform.processes().items() if name.split("-")[0] == service and p.pid]
    return own + [child.pid for pid in own for child in psutil.Process(pid).children(recursive=True)]


@contextmanager
def stopped(platform: Platform, part: str) -> Iterator[None]:
    """A part that does not answer, though it lives."""
    frozen = pids(platform, part)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def kill(platform: Platform, service: str) -> None:
    for pid in pids(platform, service):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def stage(platform: Platform, name: str, stage_name: str) -> dict:
    """As `vidx get --json` has it, but at once: what is waited for may be over soon."""
    with channel(platform.address) as connection:
        video = VideoIndexServiceStub(connection).GetVideo(pb.GetVideoRequest(name=name), timeout=60)
    found = MessageToDict(video, always_print_fields_with_no_presence=True)
    return next(s for s in found["stages"] if s["stage"] == stage_name)


def sweeps(platform: Platform, name: str) -> int:
    """How often what was written for a removed video after its removal was taken away, straight from the catalog."""
    query = "SELECT sweeps FROM tombstones WHERE collection = ? AND video = ?"
    with closing(sqlite3.connect(f"file:{platform.home}/catalog.db?mode=ro", uri=True)) as catalog:
        ((count,),) = catalog.execute(query, name.split("/")[1::2])
        return int(count)


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline, "never came"
        time.sleep(0.05)


def ready_with_the_same_rows(platform: Platform, name: str, collection: str, expected: list[tuple]) -> None:
    last = platform.messages("watch", name)[-1]
    assert last["state"] == "READY", last
    found = rows(platform, collection)
    assert len({row["id"] for row in found}) == len(found) == int(last["rowCount"])
    assert content(found) == expected


@pytest.mark.parametrize(("victim", "held"), [("decoding", None), ("embedding", "triton"), ("search", "milvus")])
def test_a_worker_killed_in_the_middle_of_its_stage_costs_nothing_but_time(
    platform: Platform, long_film: Path, undisturbed: list[tuple], victim: str, held: str | None
) -> None:
    collection = f"killed-{victim}"

    def under_way(name: str) -> bool:
        found = stage(platform, name, victim)
        assert found["state"] != "SUCCEEDED", "the stage was over before its worker could be killed"
        return found["state"] == "RUNNING" and int(found.get("done", 0)) < int(found["total"])

    if held is None:
        name = platform.messages("index", str(long_film), "--collection", collection)[-1]["name"]
        wait_for(lambda: under_way(name))
        kill(platform, victim)
    else:
        with stopped(platform, held):
            name = platform.messages("index", str(long_film), "--collection", collection)[-1]["name"]
            wait_for(lambda: under_way(name))
            kill(platform, victim)
    ready_with_the_same_rows(platform, name, collection, undisturbed)


def test_a_queue_server_that_loses_everything_half_way_costs_nothing_but_time(
    platform: Platform, long_film: Path, undisturbed: list[tuple]
) -> None:
    name = platform.messages("index", str(long_film), "--collection", "lost-queue")[-1]["name"]
    wait_for(lambda: int(stage(platform, name, "decoding").get("done", 0)) >= 2)
    kill(platform, "redis")
    ready_with_the_same_rows(platform, name, "lost-queue", undisturbed)


def test_a_pipeline_and_a_gateway_that_die_are_started_again_and_go_on(
    platform: Platform, long_film: Path, undisturbed: list[tuple]
) -> None:
    name = platform.messages("index", str(long_film), "--collection", "lost-pipeline")[-1]["name"]
    wait_for(lambda: int(stage(platform, name, "decoding").get("done", 0)) >= 1)
    kill(platform, "pipeline")
    kill(platform, "gateway")
    wait_for(lambda: platform.vidx("get", name).returncode == 0)
    ready_with_the_same_rows(platform, name, "lost-pipeline", undisturbed)


def test_cancelling_stops_the_work_and_a_retry_ends_it(
    platform: Platform, long_film: Path, undisturbed: list[tuple]
) -> None:
    with stopped(platform, "triton"):
        name = platform.messages("index", str(long_film), "--collection", "cancelled")[-1]["name"]
        wait_for(lambda: stage(platform, name, "embedding")["state"] == "RUNNING")
        platform.run("cancel", name)
        assert platform.messages("get", name)[0]["state"] == "CANCELLED"
    platform.run("retry", name)
    ready_with_the_same_rows(platform, name, "cancelled", undisturbed)


def test_a_video_removed_while_it_is_indexed_leaves_nothing(platform: Platform, long_film: Path) -> None:
    name = platform.messages("index", str(long_film), "--collection", "removed")[-1]["name"]
    wait_for(lambda: int(stage(platform, name, "decoding").get("done", 0)) >= 1)
    platform.run("delete", name)
    assert platform.vidx("get", name).returncode != 0

    def nothing_left() -> bool:
        files = [p for p in (platform.home / "store" / "collections" / "removed").rglob("*") if p.is_file()]
        return not files and not rows(platform, "removed")

    wait_for(nothing_left)
    # A worker that was still at it when the video went may have written once more; the sweep takes that too.
    wait_for(lambda: sweeps(platform, name) > 0)
    wait_for(nothing_left)
