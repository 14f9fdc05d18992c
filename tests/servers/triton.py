"""The Triton of the wheel on the built-in model pack."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.packs import tritonserver
from services.packs.build import build
from tests.servers.ports import free_ports

BUILTIN = Path(__file__).parents[2] / "deploy/models/builtin.toml"
READY_WITHIN_S = 240.0


def built_pack(scratch: Path) -> Path:
    """The built-in pack's folder, built in `scratch`; VIDX_TEST_MODELS names a folder that keeps it between runs."""
    kept = os.environ.get("VIDX_TEST_MODELS")
    out = Path(kept).resolve() if kept else scratch
    return out / build(BUILTIN, out, backend="python", progress=print).folder


@contextmanager
def serving(
    pack: Path, scratch: Path, grpc_port: int = 0, host: str = tritonserver.HOST
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A ready Triton's gRPC address, and its process.

    At the end it is killed with its models' processes, as an orderly end takes seconds; of those, integration/
    test_pack_serve.py sees what there is to see.
    """
    http, metrics, free = free_ports(3)
    grpc = grpc_port or free
    argv, extra = tritonserver.command(
        pack, http_port=http, grpc_port=grpc, metrics_port=metrics, scratch=scratch, host=host
    )
    log = scratch / f"triton-{grpc}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(argv, env={**os.environ, **extra}, stdout=out, stderr=out)
    try:
        wait_ready(process, http, log, host)
        yield f"{host}:{grpc}", process
    finally:
        process.kill()
        process.wait()
        tritonserver.clear(scratch)


def wait_ready(process: subprocess.Popen[bytes], port: int, log: Path, host: str = tritonserver.HOST) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/v2/health/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"Triton is not ready (exit {process.poll()}): {log.read_text()[-2000:]}")
