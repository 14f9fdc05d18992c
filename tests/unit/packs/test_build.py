"""Builds are found again, appear whole or not at all, and change their name with what they are made of."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.core import errors
from services.packs import assets, export, extras, manifest
from services.packs import pack as packs
from services.packs.assets import Assets
from services.packs.build import build, point
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
    (folder / "imagenet_classes.txt").write_text("a\nb\n")
    (folder / "everyday_sentences.txt").write_text("a b\n")
    (folder / "caption_prompt.txt").write_text("say a or b\n")
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


def test_a_pack_in_use_is_found_without_its_name(pack_file: Path, tmp_path: Path, exports: list[Path]) -> None:
    out = tmp_path / "out"
    for backend in ("python", "onnxruntime"):
        made = build(pack_file, out, backend=backend, progress=silent)
        point(out, "in-use", made)
        assert (out / "in-use").resolve() == out / made.folder
        assert manifest.load(out / "in-use") == made
    assert len(list(out.iterdir())) == 3


def test_a_link_replaces_nothing_but_a_link(pack_file: Path, tmp_path: Path, exports: list[Path]) -> None:
    made = build(pack_file, tmp_path / "out", backend="python", progress=silent)
    for name in (made.folder, "../elsewhere", "", ".hidden"):
        with pytest.raises(errors.InvalidInput):
            point(tmp_path / "out", name, made)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [made.folder]


@pytest.mark.parametrize(
    "name",
    [
        "imagenet_captions.txt",
        "colours.txt",
        "imagenet_classes.txt",
        "everyday_sentences.txt",
        "caption_prompt.txt",
        "triton/model.py",
        "builtin.toml",
    ],
)
def test_digest_covers_every_file(pack_file: Path, tmp_path: Path, exports: list[Path], name: str) -> None:
    before = build(pack_file, tmp_path / "out", backend="python", progress=silent)
    file = pack_file.parent / name
    file.write_text(file.read_text().replace("b\n", "x\n").replace("= 1\n", "= 2\n").replace("= 3.5", "= 3"))
    assert build(pack_file, tmp_path / "out", backend="python", progress=silent).digest != before.digest
    assert len(exports) == 2


@pytest.mark.parametrize("constant", ["FORMAT", "VECTORS", "SENTENCE_VECTORS"])
def test_a_newer_builder_does_not_take_an_old_build(
    pack_file: Path, tmp_path: Path, exports: list[Path], monkeypatch: pytest.MonkeyPatch, constant: str
) -> None:
    before = build(pack_file, tmp_path / "out", backend="python", progress=silent)
    monkeypatch.setattr(assets, constant, getattr(assets, constant) + 1)
    assert build(pack_file, tmp_path / "out", backend="python", progress=silent).digest != before.digest
    assert len(exports) == 2


def test_only_what_shapes_vectors_changes_their_digest(pack_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def vectors() -> list[str]:
        pack = packs.load(pack_file)
        return [Assets.of(pack, pack_file).vector_digest(pack), packs.sentence_digest(pack)]

    before = vectors()
    text = pack_file.read_text()
    text = text.replace("queue_delay_us = 2000", "queue_delay_us = 1000").replace("everyday_", "other_")
    pack_file.write_text(text.replace('classes = "imagenet_classes.txt"', 'classes = "other_classes.txt"'))
    monkeypatch.setattr(packs, "FORMAT", packs.FORMAT + 1)
    assert vectors() == before
    monkeypatch.setattr(packs, "VECTORS", packs.VECTORS + 1)
    joint, sentences = vectors()
    assert (joint != before[0], sentences) == (True, before[1])
    monkeypatch.setattr(packs, "SENTENCE_VECTORS", packs.SENTENCE_VECTORS + 1)
    assert vectors() == [joint, vectors()[1]] != [joint, before[1]]


def test_the_joint_space_of_the_built_in_pack_is_what_it_was() -> None:
    """Videos that were indexed before the pack had class names and sentences are still searched."""
    pack = packs.load(DEPLOY / "builtin.toml")
    assert Assets.of(pack, DEPLOY / "builtin.toml").vector_digest(pack)[:16] == "70d5bdcb0e154ee7"


def whisper(pack_file: Path, model: str) -> None:
    spoken = f'technology = "faster_whisper"\nmodel = "{model}"'
    pack_file.write_text(pack_file.read_text().replace('technology = "pocketsphinx"', spoken))


def test_a_speech_model_that_is_not_there_stops_the_build(pack_file: Path, tmp_path: Path) -> None:
    whisper(pack_file, "small")
    with pytest.raises(errors.NotFound, match="speech model is not at"):
        build(pack_file, tmp_path / "out", backend="python", progress=silent)


@pytest.mark.parametrize("beside", [True, False], ids=["beside", "absolute"])
def test_a_speech_model_beside_the_pack_file_is_taken_in_another_is_left(
    pack_file: Path, tmp_path: Path, beside: bool
) -> None:
    folder = (pack_file.parent if beside else tmp_path) / "small"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    whisper(pack_file, "small" if beside else str(folder))
    pack = packs.load(pack_file)
    found = Assets.of(pack, pack_file)
    before = found.build_digest(pack, "python")
    made = extras.speech(pack, found, tmp_path)
    assert manifest.speech_model(tmp_path, made) == (tmp_path / "speech" if beside else folder)
    (folder / "model.bin").write_bytes(b"others")
    assert (found.build_digest(pack, "python") != before) == beside


def test_a_captioner_on_triton_is_taken_in(pack_file: Path, tmp_path: Path) -> None:
    folder = pack_file.parent / "tell"
    text = pack_file.read_text().replace(
        '[captioner]\ntechnology = "classes"',
        '[captioner]\ntechnology = "triton"\nrepository = "tell"\nlicence = "MIT"\n'
        'input = "image"\noutput = "text"\nheight = 32\nwidth = 64',
    )
    pack_file.write_text(text)
    pack = packs.load(pack_file)
    with pytest.raises(errors.NotFound, match="captioner is not at"):
        Assets.of(pack, pack_file)
    folder.mkdir()
    (folder / "config.pbtxt").write_text("name: 'tell'")
    made = extras.captioner(pack, Assets.of(pack, pack_file), tmp_path)
    assert (made.model, made.version, made.input, made.output, made.height) == ("tell", "1", "image", "text", 32)
    assert (tmp_path / "tell/config.pbtxt").is_file()
    assert (tmp_path / made.prompt).read_text() == "say a or b\n"
    with pytest.raises(errors.InvalidInput, match="cannot be called tell"):
        extras.captioner(pack, Assets.of(pack, pack_file), tmp_path)


def test_names_are_one_a_class(pack_file: Path, tmp_path: Path) -> None:
    pack = packs.load(pack_file)
    found = Assets.of(pack, pack_file)
    assert json.loads((tmp_path / extras.write_classes(found, tmp_path, 2)).read_text()) == ["a", "b"]
    with pytest.raises(errors.InvalidInput, match="2 names for 3 classes"):
        extras.write_classes(found, tmp_path, 3)
    (pack_file.parent / "imagenet_classes.txt").write_text("# the names\na\n\n")
    with pytest.raises(errors.InvalidInput, match="class 1 is empty"):
        extras.write_classes(found, tmp_path, 2)


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
