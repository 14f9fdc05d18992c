"""The built-in pack, built for real and served by the Triton of the wheel on loopback."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer
from tritonclient import grpc as triton

from services.packs import manifest as manifests
from services.packs import tritonserver
from services.packs.canvas import lay
from services.packs.manifest import Manifest
from tests.servers.ports import free_ports
from tests.servers.triton import built_pack, wait_ready

# The first test builds the pack, which takes minutes on a machine that is busy with other things.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """The pack's folder and manifest."""
    folder = built_pack(tmp_path_factory.mktemp("models"))
    return folder, manifests.load(folder)


class Client:
    def __init__(self, port: int, folder: Path, made: Manifest) -> None:
        self.made = made
        self.client = triton.InferenceServerClient(f"127.0.0.1:{port}")
        self.tokens = Tokenizer.from_file(str(folder / made.text_encoder.tokenizer))
        self.tokens.enable_truncation(made.text_encoder.max_tokens)
        self.tokens.enable_padding()

    def infer(self, model: str, output: str, arrays: dict[str, NDArray[np.generic]]) -> NDArray[np.float32]:
        inputs = []
        for name, array in arrays.items():
            kind = {"uint8": "UINT8", "int64": "INT64"}[str(array.dtype)]
            inputs.append(triton.InferInput(name, list(array.shape), kind))
            inputs[-1].set_data_from_numpy(array)
        return np.asarray(self.client.infer(model, inputs, client_timeout=60).as_numpy(output))

    def images(self, canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
        role = self.made.visual_encoder
        return self.infer(role.model, role.output, {role.input: canvases})

    def texts(self, *texts: str) -> NDArray[np.float32]:
        role, coded = self.made.text_encoder, self.tokens.encode_batch(list(texts))
        ids = np.array([e.ids for e in coded], np.int64)
        mask = np.array([e.attention_mask for e in coded], np.int64)
        return self.infer(role.model, role.output, {role.ids: ids, role.mask: mask})


@pytest.fixture(scope="module")
def client(built: tuple[Path, Manifest], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder, made = built
    scratch = tmp_path_factory.mktemp("triton")
    http, grpc, metrics = free_ports(3)
    argv, extra = tritonserver.command(
        folder, http_port=http, grpc_port=grpc, metrics_port=metrics, scratch=scratch
    )  # fmt: skip
    with (scratch / "log").open("wb") as log:
        process = subprocess.Popen(argv, env={**os.environ, **extra}, stdout=log, stderr=log)
    try:
        wait_ready(process, http, scratch / "log")
        yield Client(grpc, folder, made)
    finally:
        process.terminate()
        process.wait(30)


def canvases(made: Manifest, count: int) -> NDArray[np.uint8]:
    shape = (count, made.visual_encoder.height, made.visual_encoder.width, 3)
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def test_contract(client: Client) -> None:
    made = client.made
    vectors, texts = client.images(canvases(made, 2)), client.texts("a dog", "two people on a snowy mountain")
    assert vectors.shape == (2, made.visual_encoder.dimension)
    assert texts.shape == (2, made.text_encoder.dimension)
    assert vectors.dtype == texts.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(np.vstack([vectors, texts]), axis=1), 1, atol=1e-5)


def test_models_say_of_which_build_they_are(client: Client) -> None:
    for role in (client.made.visual_encoder, client.made.text_encoder):
        config = client.client.get_model_config(role.model, client_timeout=10).config
        assert config.parameters["digest"].string_value == role.digest


def test_batch_equals_one_by_one(client: Client) -> None:
    batch = canvases(client.made, 16)
    singly = np.concatenate([client.images(batch[i : i + 1]) for i in range(16)])
    np.testing.assert_allclose(client.images(batch), singly, atol=1e-5)
    texts = [f"{i} dogs " + "run over the grass " * i for i in range(8)]
    np.testing.assert_allclose(client.texts(*texts), np.concatenate([client.texts(t) for t in texts]), atol=1e-5)


def test_long_text_is_cut_and_empty_text_is_a_vector(client: Client) -> None:
    long = client.texts("snow " * 2000)
    np.testing.assert_allclose(np.linalg.norm(long), 1, atol=1e-5)
    assert np.isfinite(client.texts("")).all()


def test_related_words_are_nearer_than_others(client: Client) -> None:
    tennis, ball, stocks = client.texts("a woman plays tennis", "a tennis player", "interest rates of the bank")
    assert tennis @ ball > tennis @ stocks + 0.2


def test_pictures_find_their_words(client: Client) -> None:
    """Three photographs that scikit-image carries, each nearest to its own sentence, and the sentence to it."""
    data = pytest.importorskip("skimage.data")
    role = client.made.visual_encoder
    pictures = [Image.fromarray(made()) for made in (data.chelsea, data.coffee, data.rocket)]
    vectors = client.images(np.stack([lay(picture, role.height, role.width) for picture in pictures]))
    texts = client.texts("a cat looks at the camera", "a cup of coffee on a table", "a rocket at its launch")
    scores = vectors @ texts.T
    assert scores.argmax(0).tolist() == scores.argmax(1).tolist() == [0, 1, 2]


def test_background_matches_the_manifest(built: tuple[Path, Manifest]) -> None:
    folder, made = built
    rows = np.load(folder / made.background.file)
    assert rows.shape == (made.background.rows, made.visual_encoder.dimension)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_listens_on_loopback_only(built: tuple[Path, Manifest], tmp_path: Path) -> None:
    argv, _ = tritonserver.command(built[0], http_port=1, grpc_port=2, metrics_port=3, scratch=tmp_path)
    addresses = [arg for arg in argv if "-address=" in arg]
    assert len(addresses) == 3
    assert all(arg.endswith("=127.0.0.1") for arg in addresses)


def test_broken_model_is_an_error_at_start(built: tuple[Path, Manifest], tmp_path: Path) -> None:
    folder, made = built
    broken = tmp_path / "broken"
    for file in folder.rglob("*"):
        target = broken / file.relative_to(folder)
        if file.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif file.name == "model.onnx" and made.visual_encoder.model in file.parts:
            target.write_bytes(b"not a model")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(file)
    http, grpc, metrics = free_ports(3)
    argv, extra = tritonserver.command(
        broken, http_port=http, grpc_port=grpc, metrics_port=metrics, scratch=tmp_path
    )  # fmt: skip
    done = subprocess.run(argv, env={**os.environ, **extra}, capture_output=True, timeout=60, text=True)
    assert done.returncode != 0
    assert "failed to load" in done.stderr
    tritonserver.clear(tmp_path)
    assert not list(Path("/dev/shm").glob(f"{tritonserver.region(tmp_path)}*"))
