"""The pipeline with a real catalog in a file, a real folder store, and fakes of the queue and the index."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from services.catalog.database import Database
from services.catalog.models import Collection, Job, Video
from services.catalog.settings import CatalogSettings
from services.core import artifacts
from services.core.names import VideoName
from services.pipeline import ledger
from services.pipeline.control import Control
from services.pipeline.doctor import Doctor
from services.pipeline.mender import Mender
from services.pipeline.reconciler import Reconciler
from services.pipeline.service import Pipeline
from services.pipeline.settings import PipelineSettings
from services.runtime.artifacts import ArtifactStore
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from tests.fakes.pipeline import FakeIndex, FakeQueue, success

SETTINGS = PipelineSettings(search_address="none", silence_s=0.001, unclaimed_s=0.001, window=100)


@dataclass
class House:
    """The pipeline with fakes around it."""

    database: Database
    store: ArtifactStore
    queue: FakeQueue
    index: FakeIndex
    control: Control
    pipeline: Pipeline
    reconciler: Reconciler

    def add(self, video: str = "v", sha256: str = "") -> VideoName:
        name = VideoName("c", video)
        self.store.objects.put(artifacts.source_key(name), b"film")
        created = ledger.now()
        row = Video(
            collection="c", id=video, title="t", labels={}, state="PROCESSING", created=created, updated=created,
            size_bytes=4, sha256=sha256 or video, subtitles_key="", subtitles_name="",
        )  # fmt: skip
        self.control.save_info(row)
        with self.database.write() as session:
            self.control.begin(session, row)
        self.pipeline.dispatch()
        return name

    def state(self, name: VideoName) -> str:
        with self.database.read() as session:
            video = ledger.find(session, name)
            return video.state if video else "GONE"

    def video(self, name: VideoName) -> Video:
        with self.database.read() as session:
            video = ledger.find(session, name)
            assert video is not None
            return video

    def jobs(self, name: VideoName) -> dict[tuple[str, int], Job]:
        with self.database.read() as session:
            video = ledger.find(session, name)
            assert video is not None
            return {(j.step, j.segment): j for j in ledger.jobs_of(session, video)}

    def doctor(self, *, deep: bool = False) -> Doctor:
        mender = Mender(self.database, self.store, self.control)
        return Doctor(self.database, self.store, self.index, mender, deep=deep)

    def work(self, segments: int = 2, until: str = "") -> None:
        """Able workers empty the queues, up to a step."""
        while self.queue.messages and not (until and self.queue.messages[0].step == until):
            self.pipeline.report(success(self.queue.messages.popleft(), segments))


@contextmanager
def open_house(
    tmp_path: Path,
    catalog: CatalogSettings | None = None,
    objects: StoreSettings | None = None,
    queue: FakeQueue | None = None,
    settings: PipelineSettings = SETTINGS,
) -> Iterator[House]:
    """A house in a folder, with the collection `c`; catalog and store lie in it, unless others are given.

    Several houses may share a folder, a catalog and a queue, as several gateways and pipelines do.
    """
    database = Database(catalog or CatalogSettings(url=SecretStr(f"sqlite:///{tmp_path}/catalog.db")))
    database.migrate()
    store = connect(objects or StoreSettings(url=f"folder://{tmp_path / 'store'}", min_free_bytes=0))
    queue, index = queue or FakeQueue(), FakeIndex()
    control = Control(database, store, queue, index)
    pipeline = Pipeline(database, queue, settings)
    with database.write() as session:
        if session.get(Collection, "c") is None:
            session.add(Collection(id="c", created=1))
    yield House(
        database, store, queue, index, control, pipeline,
        Reconciler(database, store, queue, pipeline, control, settings),
    )  # fmt: skip
    database.close()
