"""A built model pack as the stage sees it, and the check that Triton serves just that pack."""

import time
from pathlib import Path

import numpy as np

from services.core.errors import InvalidInput, NotFound, Unavailable, VidxError
from services.embedding.domain.model import Model, TextSpace
from services.embedding.domain.vectors import F64
from services.packs import manifest as manifests
from services.packs.manifest import Background, Manifest, Sentence, Text, Visual
from services.runtime import telemetry
from services.runtime.triton import Tensor, Triton

_log = telemetry.log(__name__)


def read(folder: Path) -> tuple[Manifest, Model]:
    """The manifest and the model of a built pack. Raises NotFound or InvalidInput."""
    manifest = manifests.load(folder)
    v, t, s = manifest.visual_encoder, manifest.text_encoder, manifest.sentence_encoder
    if s.space == manifest.space:
        raise InvalidInput(f"{folder}: the sentence space must not be the joint space, {s.space}")
    model = Model(
        joint=_space(folder, manifest.space, t, manifest.background),
        sentence=_space(folder, s.space, s, s.background),
        image_version=f"{v.model}:{v.version}:{v.digest}:{v.layout}:{v.height}x{v.width}",
        classes=manifests.classes(folder, manifest) if v.class_output else (),
        cut_alike=(t.tokenizer, t.max_tokens) == (s.tokenizer, s.max_tokens),
    )
    return manifest, model


def _space(folder: Path, name: str, encoder: Text | Sentence, background: Background) -> TextSpace:
    version = f"{encoder.model}:{encoder.version}:{encoder.digest}:{encoder.max_tokens}"
    rows = _background(folder / background.file, encoder.dimension)
    return TextSpace(name, encoder.dimension, version, rows, background.centre, background.scale)


def _background(file: Path, dimension: int) -> F64:
    try:
        rows = np.load(file, allow_pickle=False)
    except FileNotFoundError as error:
        raise NotFound(f"the model pack has no background vectors at {file}: build it again") from error
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInput(f"{file} does not hold background vectors: {error}") from error
    if rows.ndim != 2 or len(rows) < 2 or rows.shape[1] != dimension:
        raise InvalidInput(f"{file} has shape {rows.shape}; wanted two or more rows of {dimension}")
    return np.asarray(rows, np.float32).astype(np.float64)


def await_models(triton: Triton, manifest: Manifest, model: Model, batch: int, within_s: float) -> None:
    """Return when Triton serves the manifest's models; after `within_s` raise Unavailable saying what is wrong."""
    deadline = time.monotonic() + within_s
    said = ""
    while wrong := _wrong(triton, manifest, model, batch):
        if time.monotonic() >= deadline:
            raise Unavailable(f"Triton at {triton.address} does not serve the pack {manifest.folder}: {wrong}")
        if wrong != said:
            _log.info("waiting_for_triton", address=triton.address, wrong=wrong)
            said = wrong
        time.sleep(0.2)


def _wrong(triton: Triton, manifest: Manifest, model: Model, batch: int) -> str:
    """What keeps the models from being used, or nothing."""
    v = manifest.visual_encoder
    image = {v.input: Tensor("UINT8", (-1, v.height, v.width, 3))}
    widths = {v.output: v.dimension} | ({v.class_output: len(model.classes)} if v.class_output else {})
    texts = [
        (t, {name: Tensor("INT64", (-1, -1)) for name in (t.ids, t.mask)}, {t.output: t.dimension})
        for t in (manifest.text_encoder, manifest.sentence_encoder)
    ]
    try:
        wrong = [_differs(triton, *role, batch) for role in [(v, image, widths), *texts]]
        # One model may have two roles, and then be wrong in both for one reason.
        return "; ".join(dict.fromkeys(filter(None, wrong)))
    except VidxError as error:
        return error.message


def _differs(
    triton: Triton, role: Visual | Text | Sentence, inputs: dict[str, Tensor], widths: dict[str, int], batch: int
) -> str:
    served = triton.served(role.model)
    if role.version not in served.versions:
        return f"{role.model} has versions {', '.join(served.versions)}, not {role.version}"
    # Two builds of a pack look alike but for this; a server that does not state it is trusted.
    if served.parameters.get("digest", role.digest) != role.digest:
        return f"{role.model} is of another build ({served.parameters['digest'][:12]}, not {role.digest[:12]})"
    if dict(served.inputs) != inputs:
        return f"{role.model} takes {dict(served.inputs)}, not {inputs}"
    outputs = {name: Tensor("FP32", (-1, width)) for name, width in widths.items()}
    if any(served.outputs.get(name) != tensor for name, tensor in outputs.items()):
        return f"{role.model} gives {dict(served.outputs)}, not {outputs}"
    if served.max_batch < batch:
        return f"{role.model} takes batches of {served.max_batch}; set VIDX_EMBEDDING_BATCH to at most that"
    return ""
