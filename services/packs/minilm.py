"""MiniLM sentence encoders (BERT with mean pooling) as a torch module that exports cleanly to ONNX.

Wang et al. 2020, "MiniLM"; Reimers and Gurevych 2019, "Sentence-BERT", for the pooling.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class _Layer(nn.Module):
    """One transformer layer; the names of its parts are those of the checkpoint after `_RENAMED`."""

    def __init__(self, width: int, heads: int, inner: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out, self.out_norm = nn.Linear(width, width), nn.LayerNorm(width, eps)
        self.up, self.down, self.down_norm = nn.Linear(width, inner), nn.Linear(inner, width), nn.LayerNorm(width, eps)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        def split(y: Tensor) -> Tensor:
            return y.reshape(y.shape[0], y.shape[1], self.heads, -1).transpose(1, 2)

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        weights = torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5 + bias, -1)
        x = self.out_norm(x + self.out((weights @ v).transpose(1, 2).flatten(2)))
        y: Tensor = self.down_norm(x + self.down(F.gelu(self.up(x))))
        return y


_RENAMED = {
    "embeddings.word_embeddings.": "words.",
    "embeddings.position_embeddings.": "positions.",
    "embeddings.token_type_embeddings.": "types.",
    "embeddings.LayerNorm.": "norm.",
    "encoder.layer.": "layers.",
    ".attention.self.": ".",
    ".attention.output.LayerNorm.": ".out_norm.",
    ".attention.output.dense.": ".out.",
    ".intermediate.dense.": ".up.",
    ".output.LayerNorm.": ".down_norm.",
    ".output.dense.": ".down.",
}


class MiniLM(nn.Module):
    """(batch, tokens) int64 ids and mask to (batch, width) float32 unit vectors."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        width, eps = config["hidden_size"], config["layer_norm_eps"]
        self.words = nn.Embedding(config["vocab_size"], width)
        self.positions = nn.Embedding(config["max_position_embeddings"], width)
        self.types = nn.Embedding(config["type_vocab_size"], width)
        self.norm = nn.LayerNorm(width, eps)
        heads, inner = config["num_attention_heads"], config["intermediate_size"]
        self.layers = nn.ModuleList(_Layer(width, heads, inner, eps) for _ in range(config["num_hidden_layers"]))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        seen = mask.to(torch.float32)
        x = self.words(ids) + self.positions.weight[: ids.shape[1]] + self.types.weight[0]
        x = self.norm(x)
        bias = (1.0 - seen)[:, None, None, :] * -1e9
        for layer in self.layers:
            x = layer(x, bias)
        return F.normalize((x * seen[..., None]).sum(1) / seen.sum(1, keepdim=True), dim=-1)


def load(weights: Path, config: Path) -> MiniLM:
    """The encoder of a BERT checkpoint in safetensors form, without its pooler, which sentence vectors do not use."""
    from safetensors.torch import load_file

    model = MiniLM(json.loads(config.read_text("utf-8")))
    state = {}
    for name, tensor in load_file(weights).items():
        if name.startswith("pooler.") or name.endswith("position_ids"):
            continue
        for old, new in _RENAMED.items():
            name = name.replace(old, new)
        state[name] = tensor
    model.load_state_dict(state)
    return model.eval()


def embed(model: MiniLM, tokenizer: Path, texts: Iterable[str], max_tokens: int) -> NDArray[np.float32]:
    """Unit vectors of `texts`, (texts, width), in their order."""
    from tokenizers import Tokenizer

    tokens = Tokenizer.from_file(str(tokenizer))
    tokens.enable_truncation(max_tokens)
    tokens.enable_padding()
    listed = list(texts)
    # Texts of about the same length together: less padding, several times faster.
    order = sorted(range(len(listed)), key=lambda i: len(listed[i]))
    out: NDArray[np.float32] | None = None
    with torch.inference_mode():
        for batch in _batches(order, 64):
            encoded = tokens.encode_batch([listed[i] for i in batch])
            ids = torch.tensor([e.ids for e in encoded])
            vectors = model(ids, torch.tensor([e.attention_mask for e in encoded])).numpy()
            out = np.empty((len(listed), vectors.shape[1]), np.float32) if out is None else out
            out[batch] = vectors
    if out is None:
        raise ValueError("no texts to embed")
    return out


def _batches(items: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
