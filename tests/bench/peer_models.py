"""The built-in pack's encoders as functions of pixeltable. Runs in the peers' environment.

The same ONNX files, the same canvas and the same tokenizer as the platform's; pixeltable wants such functions in a
module, so the pack's folder comes from VIDX_BENCH_PACK.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import PIL.Image
import pixeltable as pxt
from pixeltable.func import Batch
from tokenizers import Tokenizer

from services.packs import canvas

PACK = Path(os.environ["VIDX_BENCH_PACK"])
MANIFEST = json.loads((PACK / "manifest.json").read_text())
VISUAL, TEXT = MANIFEST["visual_encoder"], MANIFEST["text_encoder"]
BATCH = 16


def _session(role: dict[str, Any]) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(PACK / role["model"] / role["version"] / "model.onnx"))


_images, _texts = _session(VISUAL), _session(TEXT)
_tokenizer = Tokenizer.from_file(str(PACK / TEXT["tokenizer"]))
_tokenizer.enable_truncation(TEXT["max_tokens"])
_tokenizer.enable_padding()


@pxt.udf(batch_size=BATCH)
def embed_image(images: Batch[PIL.Image.Image]) -> Batch[pxt.Array[(VISUAL["dimension"],), np.float32]]:  # noqa: F821
    """Pictures to unit vectors of the joint space."""
    canvases = np.stack([canvas.lay(image, VISUAL["height"], VISUAL["width"]) for image in images])
    return list(_images.run([VISUAL["output"]], {VISUAL["input"]: canvases})[0])


@pxt.udf(batch_size=BATCH)
def embed_text(texts: Batch[str]) -> Batch[pxt.Array[(TEXT["dimension"],), np.float32]]:  # noqa: F821
    """Sentences to unit vectors of the joint space."""
    encoded = _tokenizer.encode_batch(list(texts))
    ids = np.array([e.ids for e in encoded], np.int64)
    mask = np.array([e.attention_mask for e in encoded], np.int64)
    return list(_texts.run([TEXT["output"]], {TEXT["ids"]: ids, TEXT["mask"]: mask})[0])
