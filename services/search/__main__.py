"""Wires the search service."""

from services.runtime import grpc_client, service, store
from services.runtime.settings import ClientSettings, StoreSettings, read
from services.runtime.text_embedding import TextEmbedding
from services.search import rpc, tasks
from services.search.embedding_client import EmbeddingClient
from services.search.milvus import MilvusIndex, MilvusTexts
from services.search.milvus_connection import Connection
from services.search.service import SearchService
from services.search.settings import SearchSettings


def main() -> None:
    role = service.role("search")
    service.begin("search")
    settings = read(SearchSettings)
    encoder = EmbeddingClient(
        TextEmbedding(
            grpc_client.channel(settings.embedding_address, read(ClientSettings)), settings.embedding_timeout_s
        )
    )
    milvus = Connection(settings)
    pictures, texts = MilvusIndex(settings, milvus), MilvusTexts(settings, milvus)
    search = SearchService(store.connect(read(StoreSettings)), pictures, texts, encoder)
    try:
        service.run("search", role, [(rpc.DESCRIPTOR, rpc.register(search))], tasks.steps(search), settings.concurrency)
    finally:
        # What waits for a Milvus that hangs would keep the process until its deadline.
        milvus.close()


if __name__ == "__main__":
    main()
