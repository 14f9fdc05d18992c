"""Exports the two encoders of a pack that share a space; the part of a build that needs torch."""

import itertools
from collections.abc import Callable
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
    visual, text = pack.visual_encoder, pack.text_encoder
    vectors_of = vector_digest(pack, assets)
    visual_digest, text_digest = digest_of("visual", vectors_of), digest_of("text", vectors_of)
    classes = sentences.load(assets.sentences)
    tokenizer = source.locate(text.source, _need(text.source.tokenizer, "text_encoder.source.tokenizer"))
    config = source.locate(text.source, _need(text.source.config, "text_encoder.source.config"))
    progress("checking weights")
    text_weights = source.locate(text.source, text.source.weights)
    visual_weights = source.locate(visual.source, visual.source.weights)

    progress(f"embedding the sentences of {len(classes)} classes")
    encoder = minilm.load(text_weights, config)
    vectors = minilm.embed(encoder, tokenizer, itertools.chain.from_iterable(classes), text.max_tokens)
    space = conse.space(vectors, [len(c) for c in classes], visual.ridge)
    palette = colours.parse(sentences.load(assets.colours))
    spoken = minilm.embed(encoder, tokenizer, itertools.chain(*palette.sentences), text.max_tokens)
    tint = colours.Tint(palette, conse.contrast(space, spoken, [len(s) for s in palette.sentences]))

    progress("exporting the text encoder")
    path = triton.write(
        folder / "text_encoder",
        {_IDS: triton.Tensor("TYPE_INT64", (-1,)), _MASK: triton.Tensor("TYPE_INT64", (-1,))},
        {_VECTOR: triton.Tensor("TYPE_FP32", (text.dimension,))},
        text_digest,
        pack.serving,
        backend,
        assets.runner,
    )
    example = torch.ones((2, 8), dtype=torch.int64)
    free = {0: "batch", 1: "tokens"}
    onnx_file.export(
        conse.Sentence(encoder, space), {_IDS: example, _MASK: example}, [_VECTOR], path, {_IDS: free, _MASK: free}
    )
    copyfile(tokenizer, folder / _TOKENIZER)

    progress("exporting the visual encoder")
    classifier = efficientnet.load(visual.architecture, visual_weights, visual.height, visual.width)
    path = triton.write(
        folder / "visual_encoder",
        {_IMAGE: triton.Tensor("TYPE_UINT8", (visual.height, visual.width, 3))},
        {_VECTOR: triton.Tensor("TYPE_FP32", (visual.dimension,))},
        visual_digest,
        pack.serving,
        backend,
        assets.runner,
    )
    canvas = torch.zeros((2, visual.height, visual.width, 3), dtype=torch.uint8)
    picture = conse.Picture(classifier, tint, space, visual.temperature, visual.colour_weight)
    onnx_file.export(picture, {_IMAGE: canvas}, [_VECTOR], path, {_IMAGE: {0: "batch"}})

    rows = conse.background(space)
    np.save(folder / _BACKGROUND, rows)
    return Manifest(
        format=FORMAT,
        pack=pack.name,
        digest=digest,
        backend=backend,
        space=vectors_of[:16],
        visual_encoder=Visual(
            model="visual_encoder",
            version=triton.VERSION,
            digest=visual_digest,
            dimension=visual.dimension,
            input=_IMAGE,
            output=_VECTOR,
            height=visual.height,
            width=visual.width,
            layout="wide",
        ),
        text_encoder=Text(
            model="text_encoder",
            version=triton.VERSION,
            digest=text_digest,
            dimension=text.dimension,
            ids=_IDS,
            mask=_MASK,
            output=_VECTOR,
            max_tokens=text.max_tokens,
            tokenizer=_TOKENIZER,
        ),
        background=Background(file=_BACKGROUND, rows=len(rows), centre=conse.SCORE_CENTRE, scale=conse.SCORE_SCALE),
    )


def _need(file: File | None, field: str) -> File:
    if file is None:
        raise errors.InvalidInput(f"the model pack lacks {field}", fields={field: "required"})
    return file
