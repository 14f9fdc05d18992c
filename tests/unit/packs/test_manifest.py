"""A manifest survives being written and read, and costs nothing heavy to read."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.core import errors
from services.packs import manifest
from services.packs.manifest import (
    Background,
    Captioner,
    Manifest,
    OnScreenText,
    Sentence,
    Speech,
    Text,
    Visual,
)


def sample() -> Manifest:
    return Manifest(
        format=1,
        pack="tiny",
        digest="ab" * 32,
        backend="python",
        space="cd" * 8,
        visual_encoder=Visual(
            model="visual_encoder", version="1", digest="11", dimension=8, input="image", output="vector",
            height=32, width=64, layout="wide",
        ),
        text_encoder=Text(
            model="text_encoder", version="1", digest="22", dimension=8, ids="ids", mask="mask", output="vector",
            max_tokens=16, tokenizer="text_encoder/tokenizer.json",
        ),
        background=Background(file="background.npy", rows=4, centre=3.0, scale=0.5),
        sentence_encoder=Sentence(
            model="text_encoder", version="1", digest="22", dimension=8, ids="ids", mask="mask", output="sentence",
            max_tokens=16, tokenizer="text_encoder/tokenizer.json", space="ef" * 8,
            background=Background(file="sentences.npy", rows=4, centre=3.0, scale=0.5),
        ),
        speech=Speech(technology="pocketsphinx", model="", language="en"),
        on_screen_text=OnScreenText(technology="rapidocr"),
        captioner=Captioner(technology="classes", prompt="prompt.txt"),
    )  # fmt: skip


def test_roundtrip(tmp_path: Path) -> None:
    manifest.save(sample(), tmp_path)
    assert manifest.load(tmp_path) == manifest.load(tmp_path / manifest.FILE) == sample()
    assert sample().folder == "tiny-" + "ab" * 6


def test_missing_and_broken(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound, match="vidx models build"):
        manifest.load(tmp_path)
    (tmp_path / manifest.FILE).write_text("{}")
    with pytest.raises(errors.InvalidInput):
        manifest.load(tmp_path)


def test_every_model_is_served_once() -> None:
    made = sample()
    assert made.models == ("visual_encoder", "text_encoder")
    captioner = made.captioner.model_copy(update={"technology": "triton", "model": "tell"})
    sentence = made.sentence_encoder.model_copy(update={"model": "sentence_encoder"})
    other = made.model_copy(update={"captioner": captioner, "sentence_encoder": sentence})
    assert other.models == ("visual_encoder", "text_encoder", "sentence_encoder", "tell")


def test_class_names_are_read_in_order(tmp_path: Path) -> None:
    made = sample()
    assert manifest.classes(tmp_path, made) == ()
    named = made.model_copy(update={"visual_encoder": made.visual_encoder.model_copy(update={"classes": "c.json"})})
    with pytest.raises(errors.NotFound, match=r"c\.json"):
        manifest.classes(tmp_path, named)
    (tmp_path / "c.json").write_text('["dog", "cat"]')
    assert manifest.classes(tmp_path, named) == ("dog", "cat")
    (tmp_path / "c.json").write_text("{}")
    with pytest.raises(errors.InvalidInput):
        manifest.classes(tmp_path, named)


@pytest.mark.parametrize("absolute", [True, False])
def test_a_speech_model_is_where_the_pack_says_or_is_missed(tmp_path: Path, absolute: bool) -> None:
    folder = tmp_path / "whisper"
    speech = Speech(technology="faster_whisper", model=str(folder) if absolute else "whisper", language="en")
    with pytest.raises(errors.NotFound, match="whisper"):
        manifest.speech_model(tmp_path, speech)
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    assert manifest.speech_model(tmp_path, speech) == folder
    assert manifest.speech_model(tmp_path, sample().speech) is None


def test_reading_imports_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "onnxruntime", "tritonclient", "PIL"}
    code = f"import sys, services.packs.manifest, services.packs.build; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
