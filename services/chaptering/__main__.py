"""Where the chaptering service is wired: `python -m services.chaptering --role serve|work|all`."""

import sys

from services.chaptering import rpc, tasks
from services.chaptering.answering import Answering
from services.chaptering.asking import Writing
from services.chaptering.domain.boundaries import Wanted
from services.chaptering.embedding_client import EmbeddingClient, QueryClient
from services.chaptering.highlighting import Highlighting
from services.chaptering.naming import Namer
from services.chaptering.ports import Formats, Moments
from services.chaptering.sandboxed import READING_BYTES, SandboxedFormats
from services.chaptering.search_client import NoSearch, SearchClient
from services.chaptering.service import Chaptering
from services.chaptering.settings import ChapteringSettings
from services.chaptering.stopwordsiso import StopwordsIso
from services.chaptering.summarizing import Summarizing
from services.core.errors import VidxError
from services.core.store import Artifacts
from services.core.times import from_seconds
from services.runtime import grpc_client, service, store
from services.runtime.sandbox import Sandbox, announce
from services.runtime.settings import ClientSettings, StoreSettings, read
from services.runtime.text_embedding import TextEmbedding


def writing(settings: ChapteringSettings) -> Writing | None:
    """The language model, if one is set; it is not asked before there is work. Raises InvalidInput."""
    if settings.chat_url is None:
        return None
    # Who has no language model needs no HTTP client.
    from services.chaptering.chat import ChatWriter, prompts
    from services.runtime.chat import Server

    prefix = "VIDX_CHAPTERING_CHAT"
    server = Server(
        str(settings.chat_url),
        settings.chat_model,
        settings.chat_key.get_secret_value(),
        "language model",
        prefix,
        f"lower {prefix}_CONTEXT_TOKENS to what the model has",
        settings.chat_timeout_s,
        settings.chat_retries,
    )
    writer = ChatWriter(server, settings.chat_context_tokens, prompts())
    return Writing(writer, settings.chat_budget_s, settings.chat_call_s)


def build(
    settings: ChapteringSettings, artifacts: Artifacts, formats: Formats
) -> tuple[Chaptering, Summarizing, Answering, Highlighting]:
    """The stage on its real parts. Raises InvalidInput for settings that do not fit together."""
    embedding = TextEmbedding(
        grpc_client.channel(settings.embedding_address, read(ClientSettings)), settings.embedding_timeout_s
    )
    encoder = EmbeddingClient(embedding)
    wanted = Wanted(
        shortest=from_seconds(settings.shortest_s),
        longest=from_seconds(settings.longest_s),
        whole=from_seconds(settings.whole_s),
    )
    model = writing(settings)
    moments: Moments = NoSearch()
    if settings.search_address:
        moments = SearchClient(
            grpc_client.channel(settings.search_address, read(ClientSettings)), settings.search_timeout_s
        )
    namer = Namer(encoder, StopwordsIso())
    stage = Chaptering(artifacts, encoder, namer, formats, wanted, model, settings.file_chapters)
    summarizing = Summarizing(artifacts, encoder, model)
    return stage, summarizing, Answering(moments, encoder, model), Highlighting(artifacts, QueryClient(embedding))


def main() -> None:
    role = service.role("chaptering")
    service.begin("chaptering")
    settings = read(ChapteringSettings)
    announce()
    with Sandbox(1, READING_BYTES, what="reading the chapters", within=[]) as sandbox:
        try:
            artifacts = store.connect(read(StoreSettings))
            stage, summarizing, answering, highlighting = build(settings, artifacts, SandboxedFormats(sandbox))
        except VidxError as error:
            sys.exit(f"chaptering cannot start: {error.message}")
        steps = tasks.steps(stage)
        door = rpc.door(stage, summarizing, answering, highlighting, steps)
        service.run("chaptering", role, [door], steps, settings.concurrency)


if __name__ == "__main__":
    main()
