"""A long upload passes through the gateway in pieces: what it holds in memory does not grow with the file."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.gateway import parts
from services.runtime import store_s3
from services.runtime.settings import StoreSettings
from tests.fakes.house import open_house
from tests.fakes.public_api import header, serving

MIB = 1 << 20
PART = 5 * MIB
"""The smallest that S3 takes."""
SIZES = (15 * MIB, 60 * MIB)


@pytest.fixture
def gateway(every_store: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    monkeypatch.setattr(store_s3, "PART_BYTES", PART)
    monkeypatch.setattr(store_s3, "PARALLEL", 1)
    monkeypatch.setattr(parts, "PART_BYTES", PART)
    with open_house(tmp_path, objects=every_store) as house, serving(house, tmp_path, max_bytes=100 * MIB) as found:
        yield found


def messages(size: int) -> Iterator[pb.UploadVideoRequest]:
    """As from a file that is read as it is sent."""
    yield header(request_id=f"r{size}", size_bytes=size)
    for at in range(0, size, MIB):
        yield pb.UploadVideoRequest(chunk=(at // MIB).to_bytes(4, "big") * (MIB // 4))


def test_memory_does_not_grow_with_the_file(gateway: SimpleNamespace) -> None:
    peaks = []
    tracemalloc.start()
    try:
        for size in SIZES:
            tracemalloc.reset_peak()
            video = gateway.stub.UploadVideo(messages(size), timeout=240)
            assert gateway.house.store.objects.stat(f"{video.name}/source").size == size == video.size_bytes
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    taken = [f"{peak >> 20} MiB for {size >> 20} MiB" for peak, size in zip(peaks, SIZES, strict=True)]
    print("most memory taken:", ", ".join(taken))
    assert peaks[1] < peaks[0] + 3 * PART
    assert peaks[1] < SIZES[1] * 2 // 3
