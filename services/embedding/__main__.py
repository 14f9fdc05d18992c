"""Where the embedding service is wired: `python -m services.embedding --role serve|work|all`."""

import sys

from services.core.errors import VidxError
from services.embedding import pack, rpc, tasks
from services.embedding.cache import LruCache
from services.embedding.images import PillowPictures
from services.embedding.service import Embedding
from services.embedding.settings import EmbeddingSettings
from services.embedding.texts import Texts
from services.embedding.tokenizer import HfTokenizer
from services.embedding.triton import TritonEncoder
from services.runtime import service, store, telemetry
from services.runtime.settings import StoreSettings, Telemetry, read
from services.runtime.triton import Triton, TritonSettings


def build(settings: EmbeddingSettings, triton_settings: TritonSettings, store_settings: StoreSettings) -> Embedding:
    """The stage on its real parts, once Triton serves the pack's models."""
    manifest, model = pack.read(settings.models)
    triton = Triton(triton_settings)
    pack.await_models(triton, manifest, settings.batch, triton_settings.start_s)
    encoder = TritonEncoder(triton, manifest)
    text, visual = manifest.text_encoder, manifest.visual_encoder
    tokenizer = HfTokenizer(settings.models / text.tokenizer, text.max_tokens)
    limits = {"batch": settings.batch, "in_flight": settings.in_flight}
    return Embedding(
        store.connect(store_settings),
        model,
        encoder,
        PillowPictures(visual.height, visual.width, settings.max_pixels),
        Texts(model, encoder, tokenizer, LruCache(settings.cache), **limits),
        **limits,
    )


def main() -> None:
    role = service.role("embedding")
    telemetry.configure("embedding", read(Telemetry))
    settings = read(EmbeddingSettings)
    try:
        stage = build(settings, read(TritonSettings), read(StoreSettings))
    except VidxError as error:
        sys.exit(f"embedding cannot start: {error.message}")
    steps = tasks.steps(stage)
    service.run("embedding", role, [rpc.door(stage, steps)], steps, settings.concurrency)


if __name__ == "__main__":
    main()
