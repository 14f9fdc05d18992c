"""Where the captioning service is wired: `python -m services.captioning --role serve|work|all`."""

import sys

from services.captioning import rpc, tasks
from services.captioning.assemble import Assembling
from services.captioning.chat import ChatCaptioner
from services.captioning.classes import ClassCaptioner
from services.captioning.describe import Describing
from services.captioning.embedding_client import EmbeddingClient
from services.captioning.onscreen import OnScreen
from services.captioning.pillow import PillowPictures
from services.captioning.ports import Captioner
from services.captioning.rapid import RapidReader
from services.captioning.sandboxed import SandboxedPictures
from services.captioning.service import Captioning
from services.captioning.settings import CaptioningSettings
from services.captioning.triton import TritonCaptioner
from services.core.errors import NotFound, VidxError
from services.packs import manifest as manifests
from services.runtime import grpc_client, service, store
from services.runtime.pictures import OPENING_BYTES
from services.runtime.sandbox import Sandbox, announce
from services.runtime.settings import ClientSettings, StoreSettings, read
from services.runtime.text_embedding import TextEmbedding
from services.runtime.triton import Triton, TritonSettings


def captioner(settings: CaptioningSettings) -> Captioner:
    """What writes captions: a chat server when one is set, else what the pack says. Raises NotFound, InvalidInput."""
    role = manifests.load(settings.models).captioner
    if settings.chat_url is not None:
        prompt = settings.models / role.prompt
        if not prompt.is_file():
            raise NotFound(f"the model pack has no prompt at {prompt}: build it again")
        return ChatCaptioner(
            str(settings.chat_url),
            settings.chat_model,
            settings.chat_key.get_secret_value(),
            prompt.read_text("utf-8"),
            pictures=settings.chat_frames,
            timeout_s=settings.chat_timeout_s,
            retries=settings.chat_retries,
        )
    if role.technology == "triton":
        return TritonCaptioner(Triton(read(TritonSettings)), role, settings.max_pixels)
    return ClassCaptioner()


def build(settings: CaptioningSettings, store_settings: StoreSettings, sandbox: Sandbox) -> Captioning:
    """The stage on its real parts."""
    artifacts = store.connect(store_settings)
    embedding = TextEmbedding(
        grpc_client.channel(settings.embedding_address, read(ClientSettings)), settings.embedding_timeout_s
    )
    encoder = EmbeddingClient(embedding, settings.cache)
    return Captioning(
        OnScreen(artifacts, PillowPictures(settings.max_pixels), RapidReader(settings.threads)),
        Describing(artifacts, captioner(settings), encoder, least=settings.agreement, budget_s=settings.chat_budget_s),
        Assembling(artifacts, encoder, least=settings.label_score),
        SandboxedPictures(sandbox, settings.max_pixels),
    )


def main() -> None:
    role = service.role("captioning")
    service.begin("captioning")
    settings = read(CaptioningSettings)
    announce()
    with Sandbox(1, OPENING_BYTES, what="opening the picture", within=[]) as sandbox:
        try:
            stage = build(settings, read(StoreSettings), sandbox)
        except VidxError as error:
            sys.exit(f"captioning cannot start: {error.message}")
        steps = tasks.steps(stage)
        service.run("captioning", role, [rpc.door(stage, steps)], steps, settings.concurrency)


if __name__ == "__main__":
    main()
