"""What a build writes for each role: models, their configurations and the manifest, with the export itself replaced."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import nn
from tritonclient.grpc import model_config_pb2 as pb

from services.packs import efficientnet, export, manifest, minilm, onnx_file, source
from services.packs import pack as packs
from services.packs.assets import Assets
from services.packs.build import build
from tests.unit.packs.test_build import pack_file, silent  # noqa: F401
from tests.unit.packs.test_vectors import BERT

WIDTH = BERT["hidden_size"]


@pytest.fixture
def tiny(pack_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """A pack of two classes on a tiny random text encoder; what is exported becomes a file with its outputs' names."""
    text = pack_file.read_text().replace("dimension = 384", f"dimension = {WIDTH}")
    pack_file.write_text(text.replace("max_tokens = 256", "max_tokens = 8"))
    weights = tmp_path / "weights"
    weights.mkdir()
    encoder = minilm.MiniLM(BERT)
    save_file({}, weights / "model.safetensors")
    (weights / "config.json").write_text(json.dumps(BERT))
    Tokenizer(WordLevel({"a": 1, "b": 2, "c": 3, "[UNK]": 4}, unk_token="[UNK]")).save(str(weights / "tokenizer.json"))
    (weights / "efficientnet.pth").write_bytes(b"weights")

    def locate(_: object, file: packs.File) -> Path:
        return weights / ("efficientnet.pth" if file.path.endswith(".pth") else Path(file.path).name)

    def exported(module: nn.Module, inputs: object, outputs: list[str], path: Path, free: object) -> None:
        path.write_text(" ".join(outputs))

    monkeypatch.setattr(source, "locate", locate)
    monkeypatch.setattr(minilm, "load", lambda *_: encoder)
    monkeypatch.setattr(efficientnet, "load", lambda *_: nn.Identity())
    monkeypatch.setattr(onnx_file, "export", exported)
    return pack_file


def built(pack: Path, out: Path) -> tuple[Path, manifest.Manifest]:
    made = build(pack, out, backend="python", progress=silent)
    return out / made.folder, made


def config(folder: Path, role: Any) -> pb.ModelConfig:
    parsed = text_format.Parse((folder / role.model / "config.pbtxt").read_text(), pb.ModelConfig())
    assert parsed.parameters["digest"].string_value == role.digest
    assert (folder / role.model / role.version / "model.onnx").read_text().split() == [o.name for o in parsed.output]
    return parsed


def widths(folder: Path, role: Any) -> dict[str, list[int]]:
    return {output.name: list(output.dims) for output in config(folder, role).output}


def test_one_model_serves_sentences_and_the_joint_space(tiny: Path, tmp_path: Path) -> None:
    folder, made = built(tiny, tmp_path / "out")
    text, sentence = made.text_encoder, made.sentence_encoder
    assert (sentence.model, sentence.digest) == (text.model, text.digest)
    assert widths(folder, text) == {text.output: [WIDTH], sentence.output: [WIDTH]}
    assert made.models == ("visual_encoder", "text_encoder")
    assert not (folder / "sentence_encoder").exists()
    assert sentence.space != made.space


def test_a_sentence_encoder_of_its_own_is_a_model_of_its_own(tiny: Path, tmp_path: Path) -> None:
    same = built(tiny, tmp_path / "out")[1]
    head, _, tail = tiny.read_text().partition("[sentence_encoder.source]")
    tiny.write_text(f"{head}[sentence_encoder.source]{tail.replace('0.1.0', '0.2.0', 1)}")
    folder, made = built(tiny, tmp_path / "out")
    sentence = made.sentence_encoder
    assert made.models == ("visual_encoder", "text_encoder", "sentence_encoder")
    assert widths(folder, sentence) == {sentence.output: [WIDTH]}
    assert (folder / sentence.tokenizer).is_file()
    assert (made.space, made.text_encoder) == (same.space, same.text_encoder)
    assert sentence.space not in (made.space, same.sentence_encoder.space)


def test_classes_are_named_and_served(tiny: Path, tmp_path: Path) -> None:
    folder, made = built(tiny, tmp_path / "out")
    visual = made.visual_encoder
    assert manifest.classes(folder, made) == ("a", "b")
    assert widths(folder, visual) == {visual.output: [WIDTH], visual.class_output: [2]}
    assert made.captioner.technology == "classes"
    assert (folder / made.captioner.prompt).read_text() == "say a or b\n"


def test_backgrounds_are_unit_rows_of_each_space(tiny: Path, tmp_path: Path) -> None:
    folder, made = built(tiny, tmp_path / "out")
    for background in (made.background, made.sentence_encoder.background):
        rows = np.load(folder / background.file)
        assert rows.shape == (background.rows, WIDTH)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_a_role_without_its_file_is_named(tiny: Path, tmp_path: Path) -> None:
    pack = packs.load(tiny)
    bare = pack.text_encoder.model_copy(
        update={"source": pack.text_encoder.source.model_copy(update={"tokenizer": None})}
    )
    changed = pack.model_copy(update={"text_encoder": bare})
    with pytest.raises(packs.errors.InvalidInput, match=r"lacks text_encoder\.source\.tokenizer"):
        export.export(
            changed, Assets.of(pack, tiny), tmp_path, digest="d", backend="python", progress=silent
        )  # fmt: skip
