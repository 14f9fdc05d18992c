"""A video's way to READY, followed over a gateway that may restart on the way."""

import threading
import time
from collections.abc import Iterator
from typing import Any

from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli.client import Gateway
from services.core.errors import TimedOut, Unavailable

STREAM_S = 300.0
"""Deadline of one stream; what takes longer goes on in the next."""
TRIES = 8
"""Streams in a row that may break without having brought news."""
BACKOFF_S = 0.25

FINAL = frozenset({pb.Video.READY, pb.Video.FAILED, pb.Video.CANCELLED})


def watch(gateway: Gateway, name: str, stop: threading.Event | None = None) -> Iterator[pb.Video]:
    """The video now and whenever it changes; the last one is READY, FAILED or CANCELLED.

    Ends early when `stop` is set. Raises Unavailable when the gateway stays away, NotFound when the video goes.
    """
    tries, last = 0, pb.Video()
    follow: Any = gateway.streams.WatchVideo
    while not (stop and stop.is_set()):
        problem = Unavailable(f"the gateway keeps ending the watch of {name}")
        try:
            with gateway.errors():
                for video in follow(pb.WatchVideoRequest(name=name), timeout=STREAM_S):
                    tries, last = (tries, last) if video == last else (0, video)
                    yield video
                    if video.state in FINAL or (stop and stop.is_set()):
                        return
        except TimedOut:
            continue
        except Unavailable as error:
            problem = error
        tries += 1
        if tries >= TRIES:
            raise problem
        time.sleep(BACKOFF_S * min(2**tries, 16))


def fraction(video: pb.Video) -> float:
    """Share of the work done over all stages. Range: [0, 1]."""
    if video.state == pb.Video.READY:
        return 1.0
    return sum(stage.progress for stage in video.stages) / len(video.stages) if video.stages else 0.0


def doing(video: pb.Video) -> str:
    """In a few words, where the video is."""
    if video.state != pb.Video.PROCESSING:
        return pb.Video.State.Name(video.state)
    running = [s for s in video.stages if s.state == pb.Stage.RUNNING]
    said = ", ".join(f"{s.stage} {s.done}/{s.total}" for s in running) or "waiting"
    retried = next((s.error.reason for s in running if s.error.reason), "")
    said += f" (again after {retried})" if retried else ""
    return said + (f", {video.remaining.seconds + 1} s left" if video.HasField("remaining") else "")


def cause(video: pb.Video) -> str:
    """Why a video is not READY, in one sentence."""
    if video.state == pb.Video.FAILED:
        error = video.error
        return (
            f"{error.reason} in {error.stage}: {error.message}" if error.stage else f"{error.reason}: {error.message}"
        )
    return f"it is {pb.Video.State.Name(video.state)}"
