"""Exports the two encoders of a pack that share a space; the part of a build that needs torch."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

import numpy as np
import torch

from services.core import errors
from services.packs import colours, conse, efficientnet, minilm, onnx_file, sentences, source, triton
from services.packs.manifest import Background, Manifest, Text, Visual
from services.packs.pack import FORMAT, Assets, Backend, File, Pack, vector_digest
from services.packs.pack import digest as digest_of

_IMAGE, _IDS, _MASK, _VECTOR = "image", "input_ids", "attention_mask", "vector"
_TOKENIZER = "text_encoder/tokenizer.json"
_BACKGROUND = "background.npy"


@dataclass(frozen=True)
class _Target:
    """Where a built pack is written, and for which Triton."""

    folder: Path
    pack: Pack
    backend: Backend
    runner: Path

    def model(self, name: str, inputs: dict[str, triton.Tensor], dimension: int, digest: str) -> Path:
        """Write the model's configuration, and return where its ONNX file goes."""
        outputs = {_VECTOR: triton.Tensor("TYPE_FP32", (dimension,))}
        folder = self.folder / name
        return triton.write(folder, inputs, outputs, digest, self.pack.serving, self.backend, self.runner)


def export(
    pack: Pack,
    assets: Assets,
    folder: Path,
    *,
    digest: str,
    backend: Backend,
    progress: Callable[[str], None],
) -> Manifest:
    """Write everything of the built pack but its manifest into `folder`, and return that."""
    target = _Target(folder, pack, backend, assets.runner)
    vectors_of = vector_digest(pack, assets)
    classes = sentences.load(assets.sentences)
    text = pack.text_encoder
    tokenizer = source.locate(text.source, _need(text.source.tokenizer, "text_encoder.source.tokenizer"))
    config = source.locate(text.source, _need(text.source.config, "text_encoder.source.config"))
    progress("checking weights")
    text_weights = source.locate(text.source, text.source.weights)
    visual_weights = source.locate(pack.visual_encoder.source, pack.visual_encoder.source.weights)

    progress(f"embedding the sentences of {len(classes)} classes")
    encoder = minilm.load(text_weights, config)
    vectors = minilm.embed(encoder, tokenizer, itertools.chain.from_iterable(classes), text.max_tokens)
    space = conse.space(vectors, [len(c) for c in classes], pack.visual_encoder.ridge)
    palette = colours.parse(sentences.load(assets.colours))
    spoken = minilm.embed(encoder, tokenizer, itertools.chain(*palette.sentences), text.max_tokens)
    tint = colours.Tint(palette, conse.contrast(space, spoken, [len(s) for s in palette.sentences]))

    progress("exporting the text encoder")
    text_role = _text(target, conse.Sentence(encoder, space), digest_of("text", vectors_of))
    copyfile(tokenizer, folder / _TOKENIZER)
    progress("exporting the visual encoder")
    visual_role = _visual(target, visual_weights, tint, space, digest_of("visual", vectors_of))
    rows = conse.background(space)
    np.save(folder / _BACKGROUND, rows)
    return Manifest(
        format=FORMAT,
        pack=pack.name,
        digest=digest,
        backend=backend,
        space=vectors_of[:16],
        visual_encoder=visual_role,
        text_encoder=text_role,
        background=Background(file=_BACKGROUND, rows=len(rows), centre=conse.SCORE_CENTRE, scale=conse.SCORE_SCALE),
    )


def _text(target: _Target, encoder: conse.Sentence, digest: str) -> Text:
    role = target.pack.text_encoder
    tokens = triton.Tensor("TYPE_INT64", (-1,))
    path = target.model("text_encoder", {_IDS: tokens, _MASK: tokens}, role.dimension, digest)
    example = torch.ones((2, 8), dtype=torch.int64)
    free = {0: "batch", 1: "tokens"}
    onnx_file.export(encoder, {_IDS: example, _MASK: example}, [_VECTOR], path, {_IDS: free, _MASK: free})
    return Text(
        model="text_encoder",
        version=triton.VERSION,
        digest=digest,
        dimension=role.dimension,
        ids=_IDS,
        mask=_MASK,
        output=_VECTOR,
        max_tokens=role.max_tokens,
        tokenizer=_TOKENIZER,
    )


def _visual(target: _Target, weights: Path, tint: colours.Tint, space: conse.Space, digest: str) -> Visual:
    role = target.pack.visual_encoder
    image = triton.Tensor("TYPE_UINT8", (role.height, role.width, 3))
    path = target.model("visual_encoder", {_IMAGE: image}, role.dimension, digest)
    classifier = efficientnet.load(role.architecture, weights, role.height, role.width)
    picture = conse.Picture(classifier, tint, space, role.temperature, role.colour_weight)
    canvas = torch.zeros((2, role.height, role.width, 3), dtype=torch.uint8)
    onnx_file.export(picture, {_IMAGE: canvas}, [_VECTOR], path, {_IMAGE: {0: "batch"}})
    return Visual(
        model="visual_encoder",
        version=triton.VERSION,
        digest=digest,
        dimension=role.dimension,
        input=_IMAGE,
        output=_VECTOR,
        height=role.height,
        width=role.width,
        layout="wide",
    )


def _need(file: File | None, field: str) -> File:
    if file is None:
        raise errors.InvalidInput(f"the model pack lacks {field}", fields={field: "required"})
    return file
