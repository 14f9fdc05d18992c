"""The torch encoders against other implementations and against their own ONNX, on tiny random checkpoints."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import transformers
from safetensors.torch import save_file

from services.core import errors
from services.packs import colours, conse, efficientnet, minilm, onnx_file, sentence_space


@pytest.fixture(scope="module")
def space() -> conse.Space:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(40, 32)).astype(np.float32)
    return conse.space(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), [4] * 10, 1.0)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, torch.nn.Module]:
    """Weights and config of a random BERT, and the reference implementation that holds them."""
    torch.manual_seed(3)
    config = transformers.BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64,
        max_position_embeddings=24,
    )  # fmt: skip
    reference = transformers.BertModel(config).eval()
    folder = tmp_path_factory.mktemp("bert")
    save_file(reference.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    return folder / "model.safetensors", folder / "config.json", reference


def tokens() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(4)
    mask = torch.tensor([[1] * 12, [1] * 5 + [0] * 7, [1] + [0] * 11])
    return torch.randint(1, 50, (3, 12)) * mask, mask


def test_minilm_equals_the_reference(checkpoint: tuple[Path, Path, torch.nn.Module]) -> None:
    weights, config, reference = checkpoint
    ids, mask = tokens()
    with torch.inference_mode():
        states = reference(ids, mask).last_hidden_state
        pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        expected = torch.nn.functional.normalize(pooled, dim=-1)
        torch.testing.assert_close(minilm.load(weights, config)(ids, mask), expected, atol=1e-5, rtol=1e-5)


def test_text_onnx_equals_torch_and_padding_changes_nothing(
    checkpoint: tuple[Path, Path, torch.nn.Module], space: conse.Space, tmp_path: Path
) -> None:
    module = conse.Sentence(minilm.load(*checkpoint[:2]), space)
    example, free = torch.ones((2, 8), dtype=torch.int64), {0: "batch", 1: "tokens"}
    path = tmp_path / "text.onnx"
    names = {"input_ids": example, "attention_mask": example}
    onnx_file.export(module, names, ["vector", "sentence"], path, dict.fromkeys(names, free))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    ids, mask = tokens()

    def run(output: str, rows: int, length: int) -> np.ndarray:
        feed = {"input_ids": ids[:rows, :length].numpy(), "attention_mask": mask[:rows, :length].numpy()}
        return np.asarray(session.run([output], feed)[0])

    with torch.inference_mode():
        vector, sentence = (tensor.numpy() for tensor in module(ids, mask))
    for output, expected in {"vector": vector, "sentence": sentence}.items():
        np.testing.assert_allclose(run(output, 3, 12), expected, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, atol=1e-5)
    ids, mask = ids[1:2], mask[1:2]
    np.testing.assert_allclose(run("vector", 1, 5), vector[1:2], atol=1e-5)
    np.testing.assert_allclose(run("sentence", 1, 5), sentence[1:2], atol=1e-5)


def test_sentences_are_the_encoders_own_vectors(
    checkpoint: tuple[Path, Path, torch.nn.Module], space: conse.Space, tmp_path: Path
) -> None:
    encoder = minilm.load(*checkpoint[:2])
    example, free = torch.ones((2, 8), dtype=torch.int64), {0: "batch", 1: "tokens"}
    names = {"input_ids": example, "attention_mask": example}
    onnx_file.export(sentence_space.Plain(encoder), names, ["sentence"], tmp_path / "s", dict.fromkeys(names, free))
    session = onnxruntime.InferenceSession(tmp_path / "s", providers=["CPUExecutionProvider"])
    ids, mask = tokens()
    (alone,) = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})
    with torch.inference_mode():
        expected = encoder(ids, mask)
        _, beside = conse.Sentence(encoder, space)(ids, mask)
    np.testing.assert_allclose(alone, expected, atol=1e-5)
    torch.testing.assert_close(beside, expected, atol=0, rtol=0)


def test_visual_onnx_equals_torch(space: conse.Space, tmp_path: Path) -> None:
    torch.manual_seed(6)
    classifier = efficientnet.create("efficientnet-lite0", 64, 96, num_classes=10)
    module = conse.Picture(classifier, colours.Tint(palette(), np.eye(3, 32, dtype=np.float32)), space, 1.5, 0.3)
    path = tmp_path / "visual.onnx"
    canvas = torch.zeros((2, 64, 96, 3), dtype=torch.uint8)
    onnx_file.export(module, {"image": canvas}, ["vector", "probabilities"], path, {"image": {0: "batch"}})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        image = torch.randint(0, 256, (batch, 64, 96, 3), dtype=torch.uint8)
        with torch.inference_mode():
            vector, probabilities = module(image)
            expected = torch.softmax(classifier(image), -1)
        found = session.run(["vector", "probabilities"], {"image": image.numpy()})
        np.testing.assert_allclose(found[0], vector, atol=1e-4)
        torch.testing.assert_close(probabilities, expected, atol=0, rtol=0)
        np.testing.assert_allclose(found[1], expected, atol=1e-5)
    # What ONNX Runtime can neither fold nor fuse doubles the cost of a picture.
    assert not {node.op_type for node in onnx.load(path).graph.node} & {"BatchNormalization", "CastLike", "Pad"}


def palette() -> colours.Palette:
    return colours.parse(
        [["red", "#c01010 #801010", "red"], ["green", "#10a010", "green"], ["blue", "#1010c0", "blue"]]
    )


def test_colours_are_named_by_their_share() -> None:
    tint = colours.Tint(palette(), np.eye(3, dtype=np.float32))
    image = torch.zeros((2, 16, 32, 3), dtype=torch.uint8)
    image[0] = torch.tensor([0x90, 0x10, 0x10])
    image[1, :, :24] = torch.tensor([0x10, 0xA0, 0x10])
    image[1, :, 24:] = torch.tensor([0x10, 0x10, 0xC0])
    expected = torch.tensor([[1, 0, 0], [0, 0.75**0.5, 0.25**0.5]])
    torch.testing.assert_close(tint(image), expected, atol=0.01, rtol=0)


@pytest.mark.parametrize("line", [["red", "#ff0000"], ["red", "scarlet", "a red thing"]])
def test_broken_colours_are_refused(line: list[str]) -> None:
    with pytest.raises(errors.InvalidInput, match="the colour red"):
        colours.parse([line])


def test_contrast_is_what_sets_things_apart(space: conse.Space) -> None:
    rng = np.random.default_rng(8)
    vectors = rng.normal(size=(5, 32)).astype(np.float32)
    apart = conse.contrast(space, vectors, [2, 3])
    np.testing.assert_allclose(apart[0], -apart[1], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(apart, axis=1), 1, atol=1e-5)


def test_space_centres_the_classes_and_background_is_fixed(space: conse.Space) -> None:
    np.testing.assert_allclose(space.classes.mean(0), 0, atol=1e-5)
    first, again = conse.background(space, 7), conse.background(space, 7)
    assert first.shape == (7, 32)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
