"""Where the chaptering service is wired: `python -m services.chaptering --role serve|work|all`."""

from services.chaptering import formats, rpc, tasks
from services.chaptering.domain.boundaries import Wanted
from services.chaptering.embedding_client import EmbeddingClient
from services.chaptering.naming import Namer
from services.chaptering.service import Chaptering
from services.chaptering.settings import ChapteringSettings
from services.chaptering.stopwordsiso import StopwordsIso
from services.core.store import Artifacts
from services.core.times import from_seconds
from services.runtime import grpc_client, service, store, telemetry
from services.runtime.settings import StoreSettings, Telemetry, read


def build(settings: ChapteringSettings, artifacts: Artifacts) -> Chaptering:
    """The stage on its real parts."""
    encoder = EmbeddingClient(grpc_client.channel(settings.embedding_address), settings.embedding_timeout_s)
    wanted = Wanted(
        shortest=from_seconds(settings.shortest_s),
        longest=from_seconds(settings.longest_s),
        whole=from_seconds(settings.whole_s),
    )
    return Chaptering(artifacts, encoder, Namer(encoder, StopwordsIso()), formats, wanted)


def main() -> None:
    role = service.role("chaptering")
    telemetry.configure("chaptering", read(Telemetry))
    settings = read(ChapteringSettings)
    stage = build(settings, store.connect(read(StoreSettings)))
    steps = tasks.steps(stage)
    service.run("chaptering", role, [rpc.door(stage, steps)], steps, settings.concurrency)


if __name__ == "__main__":
    main()
