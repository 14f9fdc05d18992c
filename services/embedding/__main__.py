"""Where the embedding service is wired: `python -m services.embedding --role serve|work|all`."""

import sys

from services.core.errors import VidxError
from services.embedding import pack, rpc, tasks
from services.embedding.cache import LruCache
from services.embedding.domain.model import TextSpace
from services.embedding.images import PillowPictures, SandboxedPictures
from services.embedding.passages import TextSteps
from services.embedding.service import Embedding
from services.embedding.settings import EmbeddingSettings
from services.embedding.texts import Encode, Texts
from services.embedding.tokenizer import HfTokenizer
from services.embedding.triton import TritonEncoder
from services.packs.manifest import Sentence, Text
from services.runtime import service, store
from services.runtime.pictures import OPENING_BYTES
from services.runtime.sandbox import Sandbox, announce
from services.runtime.settings import StoreSettings, read
from services.runtime.triton import Triton, TritonSettings


def build(
    settings: EmbeddingSettings, triton_settings: TritonSettings, store_settings: StoreSettings, sandbox: Sandbox
) -> tuple[Embedding, TextSteps]:
    """The stage on its real parts, once Triton serves the pack's models."""
    manifest, model = pack.read(settings.models)
    triton = Triton(triton_settings)
    pack.await_models(triton, manifest, model, settings.batch, triton_settings.start_s)
    encoder = TritonEncoder(triton, manifest, len(model.classes))
    visual, artifacts, cache = manifest.visual_encoder, store.connect(store_settings), LruCache(settings.cache)
    limits = {"batch": settings.batch, "in_flight": settings.in_flight}

    def texts(space: TextSpace, encode: Encode, role: Text | Sentence) -> Texts:
        return Texts(space, encode, HfTokenizer(settings.models / role.tokenizer, role.max_tokens), cache, **limits)

    sentences = texts(model.sentence, encoder.encode_sentences, manifest.sentence_encoder)
    canvases = PillowPictures(visual.height, visual.width, settings.max_pixels)
    pictures = Embedding(
        artifacts,
        model,
        encoder,
        canvases,
        texts(model.joint, encoder.encode_texts, manifest.text_encoder),
        sentences,
        brought=SandboxedPictures(sandbox, canvases),
        **limits,
    )
    return pictures, TextSteps(artifacts, sentences)


def main() -> None:
    role = service.role("embedding")
    service.begin("embedding")
    settings = read(EmbeddingSettings)
    announce()
    with Sandbox(1, OPENING_BYTES, what="opening the picture", within=[]) as sandbox:
        try:
            pictures, texts = build(settings, read(TritonSettings), read(StoreSettings), sandbox)
        except VidxError as error:
            sys.exit(f"embedding cannot start: {error.message}")
        steps = tasks.steps(pictures, texts)
        service.run("embedding", role, [rpc.door(pictures, steps)], steps, settings.concurrency)


if __name__ == "__main__":
    main()
