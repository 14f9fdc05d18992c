"""The vectors of tiny encoders with fixed weights: whoever changes them must raise `pack.VECTORS`, or for those of the
sentence space `pack.SENTENCE_VECTORS`.
"""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from services.packs import colours, conse, efficientnet, minilm, pack

# By `pack.VECTORS`. Stored vectors of one number are compared with new ones, so figures are added, never changed.
KNOWN = {
    1: {
        "picture": [0.0144, 0.2487, 0.2024, -0.0723, -0.3935, -0.0524],
        "sentence": [0.5772, 0.3454, 0.1583, 0.0085, -0.2122, 0.0408],
        "background": [0.3116, 0.2229, -0.1924, -0.3258, 0.0181, 0.3355],
    }
}
KNOWN_PLAIN = {1: [0.5551, 0.3289, 0.1899, 0.0507, -0.2231, -0.0019]}
BERT = {
    "hidden_size": 16, "layer_norm_eps": 1e-12, "vocab_size": 20, "max_position_embeddings": 8, "type_vocab_size": 2,
    "num_attention_heads": 2, "intermediate_size": 32, "num_hidden_layers": 2,
}  # fmt: skip


def wave(*shape: int, pace: float = 0.7) -> Tensor:
    """Figures that are the same with every version of every library."""
    return torch.sin(torch.arange(1, math.prod(shape) + 1, dtype=torch.float64) * pace).reshape(shape).to(torch.float32)


def filled(module: nn.Module) -> nn.Module:
    with torch.no_grad():
        for number, (name, tensor) in enumerate(sorted(module.state_dict().items())):
            if tensor.is_floating_point():
                values = wave(*tensor.shape, pace=0.7 + number / 97) * (3 / max(1, tensor[0].numel())) ** 0.5
                tensor.copy_(values.abs() + 0.5 if name.endswith("running_var") else values)
    return module


def space() -> conse.Space:
    vectors = wave(12, 16, pace=1.3).numpy()
    return conse.space(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), [2, 1, 3, 2, 1, 3], 2.0)


def picture() -> Tensor:
    classifier = filled(efficientnet.create("efficientnet-lite0", 32, 64, num_classes=6))
    palette = colours.parse([["red", "#c01010 #801010", "red"], ["green", "#10a010", "green"]])
    tint = colours.Tint(palette, conse.contrast(space(), wave(2, 16, pace=2.1).numpy(), [1, 1]))
    image = ((wave(1, 32, 64, 3, pace=0.011) + 1) * 127).to(torch.uint8)
    made: Tensor = conse.Picture(classifier, tint, space(), 1.5, 0.3)(image)[0]
    return made


def sentence(which: int = 0) -> Tensor:
    ids = torch.tensor([[3, 9, 12, 4]])
    made: Tensor = conse.Sentence(filled(minilm.MiniLM(BERT)), space())(ids, torch.tensor([[1, 1, 1, 0]]))[which]
    return made


def plain() -> Tensor:
    return sentence(1)


def background() -> Tensor:
    return torch.from_numpy(conse.background(space(), 3)[-1:])


@pytest.mark.parametrize("made", [picture, sentence, background])
def test_vectors_are_what_they_were(made) -> None:
    with torch.inference_mode():
        (found,) = made()
    np.testing.assert_allclose(found[:6], KNOWN[pack.VECTORS][made.__name__], atol=2e-4)


def test_plain_vectors_of_sentences_are_what_they_were() -> None:
    with torch.inference_mode():
        (found,) = plain()
    np.testing.assert_allclose(found[:6], KNOWN_PLAIN[pack.SENTENCE_VECTORS], atol=2e-4)
