"""What the way through Triton costs: a batch of images, client to vector, beside the same ONNX session in-process;
and what it costs to ask for the classes as well.

    python -m tests.bench.triton_path [--rounds 30] [--batch 1 4 16 64]        or: make bench-triton

The two take turns (A B A B), so that a change of the machine's load hits both; the figures are medians of
wall time, and the least, which other work on the machine disturbs least.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from services.embedding import pack
from services.embedding.batches import ahead
from services.embedding.triton import TritonEncoder
from services.packs.manifest import Manifest
from services.runtime.triton import Triton, TritonSettings
from tests.servers.triton import built_pack, serving

IN_FLIGHT = 3


def session(folder: Path, manifest: Manifest, threads: int) -> onnxruntime.InferenceSession:
    """The model as the pack's Triton runner opens it: the same file, threads and options."""
    role = manifest.visual_encoder
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or min(4, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    path = folder / role.model / role.version / "model.onnx"
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median and least seconds of each way, tried one after the other, round by round."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            took[name].append(time.perf_counter() - began)
    return {name: (statistics.median(times), min(times)) for name, times in took.items()}


def measure(folder: Path, address: str, batch: int, rounds: int) -> dict[str, float]:
    manifest, model = pack.read(folder)
    role = manifest.visual_encoder
    triton = Triton(TritonSettings(address=address))
    encoder = TritonEncoder(triton, manifest, len(model.classes))
    parameters = triton.served(role.model).parameters
    local = session(folder, manifest, int(parameters.get("intra_op_threads", "0")))
    images = np.random.default_rng(0).integers(0, 256, (batch, role.height, role.width, 3), dtype=np.uint8)
    # The runner's own bound on the rows of one call; the same here, so that only the way differs.
    rows = int(parameters.get("cpu_batch_size", "0")) or batch

    def in_process(canvases: np.ndarray = images) -> np.ndarray:
        parts = [canvases[at : at + rows] for at in range(0, len(canvases), rows)]
        return np.concatenate([local.run([role.output], {role.input: part})[0] for part in parts])

    np.testing.assert_allclose(encoder.encode_images(images), in_process(), atol=1e-4)
    ways = {
        "triton": lambda: encoder.encode_images(images),
        "classes": lambda: encoder.classify_images(images),
        "in_process": in_process,
    }
    one = turns(ways, rounds)
    many = [images] * (2 * IN_FLIGHT)
    flow = turns(
        {
            "triton": lambda: list(ahead(encoder.encode_images, many, IN_FLIGHT)),
            "in_process": lambda: [in_process(part) for part in many],
        },
        max(3, rounds // 6),
    )
    return {
        "batch": batch,
        "rounds": rounds,
        "triton_ms": round(one["triton"][0] * 1000, 1),
        "triton_with_classes_ms": round(one["classes"][0] * 1000, 1),
        "in_process_ms": round(one["in_process"][0] * 1000, 1),
        "ratio": round(one["triton"][0] / one["in_process"][0], 3),
        "least_triton_ms": round(one["triton"][1] * 1000, 1),
        "least_triton_with_classes_ms": round(one["classes"][1] * 1000, 1),
        "least_in_process_ms": round(one["in_process"][1] * 1000, 1),
        "least_ratio": round(one["triton"][1] / one["in_process"][1], 3),
        "flow_batches": len(many),
        "flow_triton_images_s": round(len(many) * batch / flow["triton"][0], 1),
        "flow_in_process_images_s": round(len(many) * batch / flow["in_process"][0], 1),
        "flow_ratio": round(flow["triton"][0] / flow["in_process"][0], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, nargs="+", default=[16])
    parser.add_argument("--rounds", type=int, default=30)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        pack = built_pack(Path(scratch))
        with serving(pack, Path(scratch)) as (address, _):
            for batch in args.batch:
                print(json.dumps(measure(pack, address, batch, args.rounds)), flush=True)


if __name__ == "__main__":
    main()
