"""Exports the encoders of a pack; the part of a build that needs torch."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from services.core import errors
from services.packs import (
    colours,
    conse,
    efficientnet,
    extras,
    minilm,
    onnx_file,
    sentence_space,
    sentences,
    source,
    triton,
)
from services.packs.assets import Assets
from services.packs.manifest import Background, Manifest, Sentence, Text, Visual
from services.packs.pack import FORMAT, Backend, File, Pack, TextEncoder, sentence_digest
from services.packs.pack import digest as digest_of

_IMAGE, _IDS, _MASK, _VECTOR, _PROBABILITIES, _SENTENCE = (
    "image", "input_ids", "attention_mask", "vector", "probabilities", "sentence",
)  # fmt: skip
_BACKGROUND = "background.npy"
_SENTENCE_BACKGROUND = "sentence_background.npy"


@dataclass(frozen=True)
class _Target:
    """Where a built pack is written, and for which Triton."""

    folder: Path
    pack: Pack
    backend: Backend
    runner: Path

    def model(self, name: str, inputs: dict[str, triton.Tensor], outputs: dict[str, int], digest: str) -> Path:
        """Write the model's configuration, and return where its ONNX file goes. `outputs`: width by name."""
        made = {output: triton.Tensor("TYPE_FP32", (width,)) for output, width in outputs.items()}
        return triton.write(self.folder / name, inputs, made, digest, self.pack.serving, self.backend, self.runner)

    def background(self, name: str, rows: NDArray[np.float32], centre: float, scale: float) -> Background:
        np.save(self.folder / name, rows)
        return Background(file=name, rows=len(rows), centre=centre, scale=scale)


@dataclass(frozen=True)
class _Encoder:
    """A text encoder with its files, whose digests were checked."""

    role: TextEncoder
    model: minilm.MiniLM
    tokenizer: Path

    @classmethod
    def load(cls, role: TextEncoder, name: str) -> "_Encoder":
        tokenizer = source.locate(role.source, _need(role.source.tokenizer, f"{name}.source.tokenizer"))
        config = source.locate(role.source, _need(role.source.config, f"{name}.source.config"))
        return cls(role, minilm.load(source.locate(role.source, role.source.weights), config), tokenizer)

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        return minilm.embed(self.model, self.tokenizer, texts, self.role.max_tokens)


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
    vectors_of = assets.vector_digest(pack)
    classes = sentences.load(assets.sentences)
    progress("checking weights")
    visual_weights = source.locate(pack.visual_encoder.source, pack.visual_encoder.source.weights)
    encoder = _Encoder.load(pack.text_encoder, "text_encoder")

    progress(f"embedding the sentences of {len(classes)} classes")
    vectors = encoder.embed(list(itertools.chain.from_iterable(classes)))
    space = conse.space(vectors, [len(c) for c in classes], pack.visual_encoder.ridge)
    palette = colours.parse(sentences.load(assets.colours))
    spoken = encoder.embed(list(itertools.chain(*palette.sentences)))
    tint = colours.Tint(palette, conse.contrast(space, spoken, [len(s) for s in palette.sentences]))

    progress("exporting the text encoder")
    text = _text(target, encoder, space, digest_of("text", vectors_of))
    sentence = _sentence(target, assets, encoder, text)
    progress("exporting the visual encoder")
    names = extras.write_classes(assets, folder, len(classes))
    visual = _visual(target, visual_weights, tint, space, digest_of("visual", vectors_of), names)
    return Manifest(
        format=FORMAT,
        pack=pack.name,
        digest=digest,
        backend=backend,
        space=vectors_of[:16],
        visual_encoder=visual,
        text_encoder=text,
        background=target.background(_BACKGROUND, conse.background(space), conse.SCORE_CENTRE, conse.SCORE_SCALE),
        sentence_encoder=sentence,
        speech=extras.speech(pack, assets, folder),
        on_screen_text=extras.on_screen_text(pack),
        captioner=extras.captioner(pack, assets, folder),
    )


def _text(target: _Target, encoder: _Encoder, space: conse.Space, digest: str) -> Text:
    # Its plain vectors are there before those of the joint space are: for another output nothing is computed.
    outputs = {_VECTOR: encoder.role.dimension, _SENTENCE: encoder.role.dimension}
    return Text.model_validate(
        _tokens(target, "text_encoder", encoder, conse.Sentence(encoder.model, space), outputs, digest)
    )


def _sentence(target: _Target, assets: Assets, encoder: _Encoder, text: Text) -> Sentence:
    role, vectors_of = target.pack.sentence_encoder, sentence_digest(target.pack)
    if target.pack.one_text_model:
        made = {**text.model_dump(), "output": _SENTENCE}
    else:
        encoder = _Encoder.load(role, "sentence_encoder")
        plain, outputs = sentence_space.Plain(encoder.model), {_SENTENCE: role.dimension}
        made = _tokens(target, "sentence_encoder", encoder, plain, outputs, digest_of("sentence", vectors_of))
    rows = encoder.embed([line for said in sentences.load(assets.background) for line in said])
    centre, scale = sentence_space.SCORE_CENTRE, sentence_space.SCORE_SCALE
    background = target.background(_SENTENCE_BACKGROUND, rows, centre, scale)
    return Sentence.model_validate(
        {**made, "max_tokens": role.max_tokens, "space": vectors_of[:16], "background": background}
    )


def _tokens(
    target: _Target, name: str, encoder: _Encoder, module: nn.Module, outputs: dict[str, int], digest: str
) -> dict[str, object]:
    """Export a model of tokens, whose first output is the role's, and return the role's fields."""
    tokens = triton.Tensor("TYPE_INT64", (-1,))
    path = target.model(name, {_IDS: tokens, _MASK: tokens}, outputs, digest)
    example = torch.ones((2, 8), dtype=torch.int64)
    free = {0: "batch", 1: "tokens"}
    onnx_file.export(module, {_IDS: example, _MASK: example}, list(outputs), path, {_IDS: free, _MASK: free})
    tokenizer = f"{name}/tokenizer.json"
    copyfile(encoder.tokenizer, target.folder / tokenizer)
    return {
        "model": name,
        "version": triton.VERSION,
        "digest": digest,
        "dimension": encoder.role.dimension,
        "ids": _IDS,
        "mask": _MASK,
        "output": next(iter(outputs)),
        "max_tokens": encoder.role.max_tokens,
        "tokenizer": tokenizer,
    }


def _visual(
    target: _Target, weights: Path, tint: colours.Tint, space: conse.Space, digest: str, classes: str
) -> Visual:
    role = target.pack.visual_encoder
    image = triton.Tensor("TYPE_UINT8", (role.height, role.width, 3))
    outputs = {_VECTOR: role.dimension, _PROBABILITIES: len(space.classes)}
    path = target.model("visual_encoder", {_IMAGE: image}, outputs, digest)
    classifier = efficientnet.load(role.architecture, weights, role.height, role.width)
    picture = conse.Picture(classifier, tint, space, role.temperature, role.colour_weight)
    canvas = torch.zeros((2, role.height, role.width, 3), dtype=torch.uint8)
    onnx_file.export(picture, {_IMAGE: canvas}, list(outputs), path, {_IMAGE: {0: "batch"}})
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
        classes=classes,
        class_output=_PROBABILITIES if classes else "",
    )


def _need(file: File | None, field: str) -> File:
    if file is None:
        raise errors.InvalidInput(f"the model pack lacks {field}", fields={field: "required"})
    return file
