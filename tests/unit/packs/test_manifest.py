"""A manifest survives being written and read, and costs nothing heavy to read."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.core import errors
from services.packs import manifest
from services.packs.manifest import Background, Manifest, Text, Visual


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


def test_reading_imports_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "onnxruntime", "tritonclient", "PIL"}
    code = f"import sys, services.packs.manifest, services.packs.build; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
