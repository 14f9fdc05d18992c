"""Writes one model of a Triton model repository: its config.pbtxt, and the runner that the Python backend needs."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as pb

from services.packs.pack import Backend, Serving

VERSION = "1"


@dataclass(frozen=True)
class Tensor:
    """`dims` without the batch; -1 is free. `type` is Triton's, such as TYPE_UINT8."""

    type: str
    dims: tuple[int, ...]


def write(
    folder: Path,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    digest: str,
    serving: Serving,
    backend: Backend,
    runner: Path,
) -> Path:
    """Make the model's folder, named by `folder`; the caller writes the ONNX file at the path returned.

    `digest` is the role's in the manifest: by it a client knows which build a server serves. `runner` is the model.py
    that stands beside it for the Python backend.
    """
    version = folder / VERSION
    version.mkdir(parents=True)
    config = _config(folder.name, inputs, outputs, digest, serving, backend)
    (folder / "config.pbtxt").write_text(text_format.MessageToString(config), "utf-8")
    if backend == "python":
        shutil.copyfile(runner, version / "model.py")
    return version / "model.onnx"


def _config(
    name: str,
    inputs: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor],
    digest: str,
    serving: Serving,
    backend: Backend,
) -> pb.ModelConfig:
    config = pb.ModelConfig(name=name, backend=backend, max_batch_size=serving.max_batch_size)
    if backend == "onnxruntime":
        config.default_model_filename = "model.onnx"
    for key, tensor in inputs.items():
        config.input.add(name=key, data_type=pb.DataType.Value(tensor.type), dims=tensor.dims)
    for key, tensor in outputs.items():
        config.output.add(name=key, data_type=pb.DataType.Value(tensor.type), dims=tensor.dims)
    batching = config.dynamic_batching
    batching.preferred_batch_size.extend(serving.preferred_batch_sizes)
    batching.max_queue_delay_microseconds = serving.queue_delay_us
    group = pb.ModelInstanceGroup
    # The Python runner computes on the CPU; the ONNX Runtime backend takes a GPU where there is one.
    config.instance_group.add(count=1, kind=group.KIND_CPU if backend == "python" else group.KIND_AUTO)
    config.parameters["digest"].string_value = digest
    threads = "intra_op_threads" if backend == "python" else "intra_op_thread_count"
    config.parameters[threads].string_value = str(serving.intra_op_threads)
    if backend == "python":
        config.parameters["cpu_batch_size"].string_value = str(serving.cpu_batch_size)
    return config
