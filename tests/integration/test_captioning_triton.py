"""A captioning model of a pack on a real Triton: pictures in, text out."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from services.captioning.ports import View
from services.captioning.triton import TritonCaptioner
from services.core.errors import Unavailable
from services.packs import manifest as manifests
from services.packs.manifest import Captioner
from services.runtime.triton import Triton, TritonSettings
from tests.fakes.embedding import MANIFEST
from tests.servers.triton import serving

ROLE = Captioner(
    technology="triton", model="says", version="1", input="image", output="text", height=32, width=48, prompt="p.txt"
)
CONFIG = """
name: "says"
backend: "python"
max_batch_size: 8
input [{ name: "image" data_type: TYPE_UINT8 dims: [32, 48, 3] }]
output [{ name: "text" data_type: TYPE_STRING dims: [2] }]
instance_group [{ count: 1 kind: KIND_CPU }]
"""
MODEL = '''
import os
import sys

sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))

import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    """Says which colour there is most of."""

    def execute(self, requests):
        answers = []
        for request in requests:
            images = pb.get_input_tensor_by_name(request, "image").as_numpy()
            colours = [("red", "green", "blue")[int(i)] for i in images.mean((1, 2)).argmax(1)]
            texts = [[f"Something {c}.\\nIt is {c} all over – so to say.".encode(), b""] for c in colours]
            answers.append(pb.InferenceResponse([pb.Tensor("text", np.array(texts, object))]))
        return answers
'''


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonCaptioner]:
    folder: Path = tmp_path_factory.mktemp("pack")
    (folder / "says/1").mkdir(parents=True)
    (folder / "says/config.pbtxt").write_text(CONFIG)
    (folder / "says/1/model.py").write_text(MODEL)
    # Every role is served by the one model that this pack has.
    roles = {
        name: getattr(MANIFEST, name).model_copy(update={"model": "says"})
        for name in ("visual_encoder", "text_encoder", "sentence_encoder")
    }
    manifests.save(MANIFEST.model_copy(update={**roles, "captioner": ROLE}), folder)
    with serving(folder, tmp_path_factory.mktemp("triton")) as (address, _):
        yield TritonCaptioner(Triton(TritonSettings(address=address)), ROLE, 10_000)


def picture(colour: str, size: tuple[int, int] = (60, 40)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def test_each_picture_is_captioned_and_empty_texts_are_left_out(captioner: TritonCaptioner) -> None:
    found = captioner.captions(View((picture("red"), picture("blue", (40, 90)))))
    assert [(c.brief, c.detailed) for c in found] == [
        ("Something red.", "It is red all over – so to say."),
        ("Something blue.", "It is blue all over – so to say."),
    ]


def test_equal_captions_are_one_candidate(captioner: TritonCaptioner) -> None:
    assert len(captioner.captions(View((picture("red"), picture("red"))))) == 1


def test_a_model_that_is_not_served_is_unavailable(captioner: TritonCaptioner) -> None:
    role = ROLE.model_copy(update={"model": "gone"})
    lost = TritonCaptioner(captioner._triton, role, 10_000)
    with pytest.raises(Unavailable):
        lost.captions(View((picture("red"),)))
