"""The configuration of a model, as Triton will read it."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2 as pb

from services.packs import triton
from services.packs.pack import Backend, Serving

SERVING = Serving(
    max_batch_size=16, preferred_batch_sizes=(4, 8), queue_delay_us=500, intra_op_threads=2, cpu_batch_size=8
)


@pytest.mark.parametrize("backend", ["python", "onnxruntime"])
def test_a_model_says_its_tensors_and_its_build(tmp_path: Path, backend: Backend) -> None:
    runner = tmp_path / "runner.py"
    runner.write_text("run = 1\n")
    file = triton.write(
        tmp_path / "see",
        {"image": triton.Tensor("TYPE_UINT8", (4, 8, 3))},
        {"vector": triton.Tensor("TYPE_FP32", (6,))},
        "d1",
        SERVING,
        backend,
        runner,
    )
    config = text_format.Parse((tmp_path / "see/config.pbtxt").read_text(), pb.ModelConfig())
    assert (config.name, config.backend, config.max_batch_size) == ("see", backend, 16)
    assert [(i.name, i.data_type, list(i.dims)) for i in config.input] == [("image", pb.TYPE_UINT8, [4, 8, 3])]
    assert config.parameters["digest"].string_value == "d1"
    assert file == tmp_path / "see" / triton.VERSION / "model.onnx"
    assert (file.parent / "model.py").is_file() == (backend == "python")
