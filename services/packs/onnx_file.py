"""Writes a torch module as one ONNX file with a free batch dimension."""

import contextlib
import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

OPSET = 18


def export(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    path: Path,
    free: Mapping[str, Mapping[int, str]],
) -> None:
    """Trace `module` on example `inputs` (named as its arguments) and write it to `path`.

    `free` names each input's dimensions that vary; the examples must be at least 2 long there.
    """
    names = sorted({name for axes in free.values() for name in axes.values()})
    dims = {name: torch.export.Dim(name, min=1, max=4096) for name in names}
    shapes = {name: {axis: dims[dim] for axis, dim in axes.items()} for name, axes in free.items()}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            # Clones: the same tensor passed twice would be traced as one input that both arguments read.
            kwargs={name: tensor.clone() for name, tensor in inputs.items()},
            f=str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=shapes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            # Without it shapes are computed anew in every call, and ONNX Runtime neither folds batch norms and paddings
            # into the convolutions nor lays these out for the processor: a picture costs twice as much.
            optimize=True,
            verbose=False,
        )
