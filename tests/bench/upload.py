"""A long upload through the gateway's process to a real S3 server, and the most memory that the gateway took.

    python -m tests.bench.upload [--gb 5] [--most-mib 512]        or: make upload-5g

The bytes are made as they are sent. Twice their size is needed on the disk for a while. The exit status is 1 when the
gateway took more memory than it may.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.runtime.grpc_client import channel
from services.runtime.store import connect
from tests.servers import redis, s3, stores
from tests.servers.ports import free_ports

MIB, GB = 1 << 20, 10**9
PARENT = "collections/c"
DEADLINE_S = 4 * 3600.0
TRIES = 20
TOLD = 512 * MIB
"""After so many bytes a line says how far it is."""


def peak_mib(pid: int) -> int:
    """Most resident memory that a process has had so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


@contextmanager
def gateway(folder: Path, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Address and process id of a gateway; of the services that it calls none is there, and none is needed."""
    own, *others = (f"127.0.0.1:{port}" for port in free_ports(5))
    names = ("SEARCH", "DECODING", "TRANSCRIPTION", "CHAPTERING")
    told = {
        **environment,
        **{f"VIDX_GATEWAY_{name}_ADDRESS": at for name, at in zip(names, others, strict=True)},
        "VIDX_CATALOG_URL": f"sqlite:///{folder}/catalog.db",
        "VIDX_SERVER_ADDRESS": own,
        "MALLOC_ARENA_MAX": "2",
    }
    with (folder / "gateway.log").open("wb") as log:
        command = [sys.executable, "-m", "services.gateway"]
        process = subprocess.Popen(command, env={**os.environ, **told}, stdout=log, stderr=log)
        try:
            yield own, process.pid
        finally:
            process.terminate()
            process.wait(60)


def messages(size: int, offset: int, pid: int, began: float) -> Iterator[pb.UploadVideoRequest]:
    header = pb.UploadHeader(parent=PARENT, request_id="r", file_name="long.mp4", size_bytes=size, offset=offset)
    yield pb.UploadVideoRequest(header=header)
    for at in range(offset, size, MIB):
        if at and at % TOLD == 0:
            passed = time.monotonic() - began
            print(f"{at / GB:6.2f} GB sent after {passed:5.0f} s, at most {peak_mib(pid)} MiB", flush=True)
        yield pb.UploadVideoRequest(chunk=(at // MIB).to_bytes(8, "big") * (MIB // 8))


def upload(stub: VideoIndexServiceStub, size: int, pid: int) -> pb.Video:
    """Send it all, going on where a stream broke off, as a busy store may make it."""
    began, tries = time.monotonic(), 0
    kept = pb.Upload()
    while True:
        try:
            return stub.UploadVideo(messages(size, kept.offset, pid, began), timeout=DEADLINE_S)
        except grpc.RpcError as error:
            tries += 1
            if error.code() != grpc.StatusCode.UNAVAILABLE or tries > TRIES:
                raise
            kept = stub.GetUpload(pb.GetUploadRequest(parent=PARENT, request_id="r"), timeout=600)
            print(f"{error.details()}; goes on at {kept.offset / GB:.2f} GB", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.upload")
    parser.add_argument("--gb", type=float, default=5.0)
    parser.add_argument("--most-mib", type=int, default=512, help="memory that the gateway's process may take")
    asked = parser.parse_args()
    size = -(-int(asked.gb * GB) // MIB) * MIB
    with tempfile.TemporaryDirectory(prefix="vidx-upload-") as temporary:
        folder = Path(temporary)
        (folder / "s3").mkdir()
        with s3.serving(folder / "s3") as server, redis.serving(folder) as (queue, _):
            store = server.settings("vidx", folder / "scratch")
            environment = {**stores.environment(store), "VIDX_QUEUE_URL": queue}
            with gateway(folder, environment) as (address, pid), channel(address, retries=False) as connection:
                grpc.channel_ready_future(connection).result(120)
                stub = VideoIndexServiceStub(connection)
                stub.CreateCollection(pb.CreateCollectionRequest(collection_id="c"), timeout=60)
                idle, began = peak_mib(pid), time.monotonic()
                video = upload(stub, size, pid)
                took, most = time.monotonic() - began, peak_mib(pid)
            kept = connect(store).objects.stat(f"{video.name}/source")
    assert kept is not None
    assert kept.size == size == video.size_bytes
    print(f"{size / GB:.2f} GB sent and in S3 as one object after {took:.0f} s, {size / took / 1e6:.0f} MB/s")
    print(f"the gateway took at most {most} MiB, {most - idle} MiB more than before; it may take {asked.most_mib} MiB")
    return 0 if most <= asked.most_mib else 1


if __name__ == "__main__":
    sys.exit(main())
