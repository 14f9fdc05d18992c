"""A built pack as the stage sees it, and what keeps a server from serving it."""

import json
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

from services.core.errors import InvalidInput, NotFound, Unavailable
from services.embedding import pack
from services.packs import manifest as manifests
from services.runtime.triton import Served, Tensor
from tests.fakes.embedding import CLASSES, MANIFEST

VECTOR = Tensor("FP32", (-1, 3))
SEEN = {"y": VECTOR, "p": Tensor("FP32", (-1, 2))}
SEE = Served(("1", "2"), {"x": Tensor("UINT8", (-1, 4, 8, 3))}, SEEN, {}, 16)
READ = Served(("1",), {n: Tensor("INT64", (-1, -1)) for n in ("i", "m")}, {"y": VECTOR, "z": VECTOR}, {}, 16)


class FakeTriton:
    """Serves these models, after so many questions in vain."""

    address = "host:1"

    def __init__(self, models: dict[str, Served], after: int = 0) -> None:
        self._models = models
        self._after = after

    def served(self, model: str) -> Served:
        self._after -= 1
        if self._after >= 0 or model not in self._models:
            raise Unavailable(f"no model {model}")
        return self._models[model]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manifests.save(MANIFEST, tmp_path)
    for name in ("background.npy", "sentences.npy"):
        np.save(tmp_path / name, np.eye(4, 3, dtype=np.float32))
    (tmp_path / "classes.json").write_text(json.dumps(CLASSES))
    return tmp_path


def test_a_pack_is_read(folder: Path) -> None:
    manifest, model = pack.read(folder)
    assert manifest == MANIFEST
    assert (model.space, model.dimension, model.joint.background.shape) == ("s1", 3, (4, 3))
    assert (model.joint.centre, model.joint.scale) == (0, 1)
    assert (model.sentence.name, model.sentence.centre, model.sentence.scale) == ("s2", 2, 0.5)
    assert model.classes == CLASSES


def test_a_pack_may_tell_no_classes(folder: Path) -> None:
    visual = MANIFEST.visual_encoder.model_copy(update={"classes": "", "class_output": ""})
    manifests.save(MANIFEST.model_copy(update={"visual_encoder": visual}), folder)
    assert pack.read(folder)[1].classes == ()


def test_texts_have_a_space_of_their_own(folder: Path) -> None:
    same = MANIFEST.sentence_encoder.model_copy(update={"space": "s1"})
    manifests.save(MANIFEST.model_copy(update={"sentence_encoder": same}), folder)
    with pytest.raises(InvalidInput, match="must not be the joint space"):
        pack.read(folder)


@pytest.mark.parametrize("names", ['{"a": 1}', "[1, 2]", "nothing"])
def test_broken_class_names_are_refused(folder: Path, names: str) -> None:
    (folder / "classes.json").write_text(names)
    with pytest.raises(InvalidInput, match=r"classes\.json"):
        pack.read(folder)


@pytest.mark.parametrize(
    ("role", "change", "which"),
    [
        ("visual_encoder", {"digest": "d9"}, "image_version"),
        ("visual_encoder", {"width": 9}, "image_version"),
        ("visual_encoder", {"version": "3"}, "image_version"),
        ("text_encoder", {"digest": "d9"}, "joint.version"),
        ("text_encoder", {"max_tokens": 17}, "joint.version"),
        ("sentence_encoder", {"digest": "d9"}, "sentence.version"),
        ("sentence_encoder", {"max_tokens": 17}, "sentence.version"),
    ],
)
def test_what_shapes_a_vector_changes_the_version(
    folder: Path, role: str, change: dict[str, object], which: str
) -> None:
    version = attrgetter(which)
    before = version(pack.read(folder)[1])
    changed = MANIFEST.model_copy(update={role: getattr(MANIFEST, role).model_copy(update=change)})
    manifests.save(changed, folder)
    assert version(pack.read(folder)[1]) != before


@pytest.mark.parametrize("rows", [np.eye(4, 2), np.eye(1, 3), np.ones(3)], ids=["dimension", "one", "flat"])
def test_a_background_that_does_not_fit_is_refused(folder: Path, rows: np.ndarray) -> None:
    np.save(folder / "background.npy", rows)
    with pytest.raises(InvalidInput, match="shape"):
        pack.read(folder)


@pytest.mark.parametrize("name", ["background.npy", "sentences.npy", "classes.json"])
def test_missing_parts_are_named(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(NotFound, match=name):
        pack.read(folder)
    with pytest.raises(NotFound, match="no built model pack"):
        pack.read(tmp_path / "gone")


def test_models_that_come_late_are_waited_for(folder: Path) -> None:
    pack.await_models(FakeTriton({"see": SEE, "read": READ}, after=2), MANIFEST, pack.read(folder)[1], 16, 30)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ({"see": SEE}, "no model read"),
        ({"see": replace(SEE, versions=("1",)), "read": READ}, "see has versions 1, not 2"),
        ({"see": replace(SEE, inputs={"x": Tensor("FP32", (-1, 3, 4, 8))}), "read": READ}, "see takes .*FP32"),
        ({"see": SEE, "read": replace(READ, outputs={"y": Tensor("FP32", (-1, 5))})}, "read gives .*5"),
        ({"see": SEE, "read": replace(READ, outputs={"y": VECTOR})}, "read gives .*y.* not .*z"),
        ({"see": replace(SEE, outputs={"y": VECTOR}), "read": READ}, "see gives .*y.* not .*p"),
        ({"see": replace(SEE, outputs={**SEEN, "p": VECTOR}), "read": READ}, "see gives .*p.*3"),
        ({"see": replace(SEE, max_batch=8), "read": READ}, "batches of 8"),
        ({"see": SEE, "read": replace(READ, parameters={"digest": "d7"})}, "read is of another build .d7, not d2"),
    ],
    ids=["missing", "version", "input", "dimension", "sentences", "classes", "other classes", "batch", "build"],
)
def test_what_is_wrong_with_a_server_is_said_once(folder: Path, models: dict[str, Served], message: str) -> None:
    with pytest.raises(Unavailable, match=f"host:1 does not serve the pack tiny-0123456789ab: .*{message}") as said:
        pack.await_models(FakeTriton(models), MANIFEST, pack.read(folder)[1], 16, 0)
    assert str(said.value).count(" is of another build") <= 1
