"""Builds are found again, appear whole or not at all, and change their name with what they are made of."""

from pathlib import Path
from typing import Any

import pytest

from services.core import errors
from services.packs import export, manifest
from services.packs import pack as packs
from services.packs.build import build
from tests.unit.packs.test_manifest import sample

DEPLOY = Path(__file__).parents[3] / "deploy/models"


@pytest.fixture
def pack_file(tmp_path: Path) -> Path:
    """The built-in pack's file with two classes' sentences: enough for a build whose export is replaced."""
    folder = tmp_path / "pack"
    (folder / "triton").mkdir(parents=True)
    (folder / "builtin.toml").write_text((DEPLOY / "builtin.toml").read_text())
    (folder / "imagenet_captions.txt").write_text("a | b\nc | d\n")
    (folder / "colours.txt").write_text("red | #ff0000 | b\n")
    (folder / "triton/model.py").write_text("runner = 1\n")
    return folder / "builtin.toml"


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders that the replaced export wrote to, one a build that did something."""
    made: list[Path] = []

    def fake(pack: Any, assets: Any, folder: Path, **named: Any) -> manifest.Manifest:
        made.append(folder)
        (folder / "model.onnx").write_bytes(b"onnx")
        return sample().model_copy(update={"pack": pack.name, "digest": named["digest"]})

    monkeypatch.setattr(export, "export", fake)
    return made


def silent(line: str) -> None:
    pass


def test_second_build_does_nothing(pack_file: Path, tmp_path: Path, exports: list[Path]) -> None:
    first = build(pack_file, tmp_path / "out", backend="python", progress=silent)
    again = build(pack_file, tmp_path / "out", backend="python", progress=silent)
    assert first == again
    assert len(exports) == 1
    assert [folder.name for folder in (tmp_path / "out").iterdir()] == [first.folder]


@pytest.mark.parametrize("name", ["imagenet_captions.txt", "colours.txt", "triton/model.py", "builtin.toml"])
def test_digest_covers_every_file(pack_file: Path, tmp_path: Path, exports: list[Path], name: str) -> None:
    before = build(pack_file, tmp_path / "out", backend="python", progress=silent)
    file = pack_file.parent / name
    file.write_text(file.read_text().replace("b\n", "x\n").replace("= 1\n", "= 2\n").replace("= 3.5", "= 3"))
    assert build(pack_file, tmp_path / "out", backend="python", progress=silent).digest != before.digest
    assert len(exports) == 2


@pytest.mark.parametrize("constant", ["FORMAT", "VECTORS"])
def test_a_newer_builder_does_not_take_an_old_build(
    pack_file: Path, tmp_path: Path, exports: list[Path], monkeypatch: pytest.MonkeyPatch, constant: str
) -> None:
    before = build(pack_file, tmp_path / "out", backend="python", progress=silent)
    monkeypatch.setattr(packs, constant, getattr(packs, constant) + 1)
    assert build(pack_file, tmp_path / "out", backend="python", progress=silent).digest != before.digest
    assert len(exports) == 2


def test_only_what_shapes_vectors_changes_their_digest(pack_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def vectors() -> str:
        pack = packs.load(pack_file)
        return packs.vector_digest(pack, packs.Assets.of(pack, pack_file))

    before = vectors()
    pack_file.write_text(pack_file.read_text().replace("queue_delay_us = 2000", "queue_delay_us = 1000"))
    monkeypatch.setattr(packs, "FORMAT", packs.FORMAT + 1)
    assert vectors() == before
    monkeypatch.setattr(packs, "VECTORS", packs.VECTORS + 1)
    assert vectors() != before


def test_backends_stand_side_by_side(pack_file: Path, tmp_path: Path, exports: list[Path]) -> None:
    python = build(pack_file, tmp_path / "out", backend="python", progress=silent)
    assert build(pack_file, tmp_path / "out", backend="onnxruntime", progress=silent).folder != python.folder


def test_failed_build_leaves_nothing(pack_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **named: Any) -> None:
        (args[2] / "half").write_text("")
        raise errors.ChecksumMismatch("other bytes")

    monkeypatch.setattr(export, "export", fails)
    with pytest.raises(errors.ChecksumMismatch):
        build(pack_file, tmp_path / "out", backend="python", progress=silent)
    assert list((tmp_path / "out").iterdir()) == []


def test_missing_sentences_are_named(pack_file: Path, tmp_path: Path) -> None:
    (pack_file.parent / "imagenet_captions.txt").unlink()
    with pytest.raises(errors.NotFound, match=r"imagenet_captions\.txt"):
        build(pack_file, tmp_path / "out", backend="python", progress=silent)
