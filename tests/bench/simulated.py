"""A platform of real parts whose stages sleep: Valkey, the pipeline's process, and workers that write tiny artifacts.

    python -m tests.bench.simulated STAGE        (one of its workers; `simulated()` starts them)

Each worker tells when it began and ended each job, so that what lies between is the platform's own.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from services.catalog.database import Database
from services.catalog.models import Collection, Job, Video
from services.catalog.settings import CatalogSettings
from services.catalog.states import VideoState
from services.core.artifacts import job_keys, source_key
from services.core.jobs import Handler, Outputs, Progress
from services.core.jobs import Job as Message
from services.core.names import VideoName
from services.pipeline import ledger, workflow
from services.pipeline.celery import CeleryQueue
from services.pipeline.control import Control
from services.runtime import service, worker
from services.runtime.artifacts import ArtifactStore
from services.runtime.queue import celery_app
from services.runtime.settings import QueueSettings
from services.runtime.store_folder import FolderStore
from tests.fakes.pipeline import FakeIndex
from tests.servers import redis

STARTED_WITHIN_S = 120.0
POLL_S = 0.01
ARTIFACT = bytes(1024)
WHOLE = ("chaptering", "search")
"""Stages that work on whole videos only, of which one worker is enough for one video."""


@dataclass(frozen=True)
class Done:
    """A job's way, in nanoseconds since the epoch: sent by the pipeline, begun and ended by a worker, taken in."""

    step: str
    segment: int
    sent: int
    began: int
    ended: int
    applied: int


class Simulated:
    """The running platform, as the gateway would use it."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._database = Database(CatalogSettings(url=SecretStr(f"sqlite:///{folder}/catalog.db")))
        self._database.migrate()
        self._store = ArtifactStore(FolderStore(folder / "store"))
        queue = CeleryQueue(celery_app(QueueSettings(url=SecretStr(url))))
        self._control = Control(self._database, self._store, queue, FakeIndex())
        with self._database.write() as session:
            session.add(Collection(id="c", created=1))

    def index(self, id_: str, within_s: float = 600.0) -> tuple[float, list[Done]]:
        """Seconds from a video's entry until it is READY, and its jobs in the order in which they began."""
        name = VideoName("c", id_)
        self._store.objects.put(source_key(name), b"film")
        began = time.monotonic()
        now = ledger.now()
        video = Video(
            collection="c", id=id_, title="t", labels={}, state=VideoState.PROCESSING, created=now, updated=now,
            size_bytes=4, sha256=id_, subtitles_key="", subtitles_name="",
        )  # fmt: skip
        self._control.save_info(video)
        with self._database.write() as session:
            self._control.begin(session, video)
        self._control.poke()
        while (state := self._state(name)) != VideoState.READY:
            if time.monotonic() > began + within_s or state != VideoState.PROCESSING:
                raise SystemExit(f"the simulated video is {state}")
            time.sleep(POLL_S)
        return time.monotonic() - began, self._done(name)

    def _state(self, name: VideoName) -> str:
        with self._database.read() as session:
            video = ledger.find(session, name)
            return video.state if video else "GONE"

    def _done(self, name: VideoName) -> list[Done]:
        lines = (line for file in self._folder.glob("*.trace") for line in file.read_text().splitlines())
        told = {(t["step"], t["segment"]): t for t in map(json.loads, lines) if t["video"] == str(name)}
        with self._database.read() as session:
            video = ledger.find(session, name)
            assert video is not None
            rows: list[Job] = list(ledger.jobs_of(session, video))
        found = [
            Done(r.step, r.segment, r.sent, told[r.step, r.segment]["began"], told[r.step, r.segment]["ended"], r.ended)
            for r in rows
        ]
        return sorted(found, key=lambda done: done.began)

    def close(self) -> None:
        self._database.close()


@contextmanager
def simulated(folder: Path, nodes: int, segments: int, seconds: Mapping[str, float]) -> Iterator[Simulated]:
    """A platform with `nodes` workers a stage, each with one job at a time; `seconds` a step, none where not named."""
    with ExitStack() as stack:
        url, _ = stack.enter_context(redis.serving(folder))
        env = {
            **os.environ,
            "VIDX_QUEUE_URL": url,
            "VIDX_CATALOG_URL": f"sqlite:///{folder}/catalog.db",
            "VIDX_STORE_URL": f"folder://{folder}/store",
            "VIDX_PIPELINE_SEARCH_ADDRESS": "127.0.0.1:1",
            "VIDX_LOG_LEVEL": "warning",
            "VIDX_BENCH_FOLDER": str(folder),
            "VIDX_BENCH_SEGMENTS": str(segments),
            "VIDX_BENCH_SECONDS": json.dumps(dict(seconds)),
            "OMP_NUM_THREADS": "1",
        }
        platform = Simulated(folder, url)
        stack.callback(platform.close)
        commands = [["services.pipeline", "--role", "work"]]
        for stage in workflow.STAGES:
            commands += [[__name__, stage]] * (1 if stage in WHOLE else nodes)
        processes: list[subprocess.Popen[bytes]] = []
        stack.callback(lambda: redis.stop(*processes))
        log = stack.enter_context((folder / "workers.log").open("ab"))
        for command in commands:
            argv = [sys.executable, "-m", *command]
            processes.append(subprocess.Popen(argv, env=env, stdout=log, stderr=log))
        deadline = time.monotonic() + STARTED_WITHIN_S
        while len(list(folder.glob("*.ready"))) < len(processes) - 1:
            if time.monotonic() > deadline or any(p.poll() is not None for p in processes):
                told = (folder / "workers.log").read_text()[-2000:]
                raise SystemExit(f"the simulated workers do not start: {told}")
            time.sleep(0.05)
        platform.index("warm")
        yield platform


def handler(step: workflow.Step, store: FolderStore, trace: Path, seconds: float, segments: int) -> Handler:
    """Sleeps, writes what the step gives, and tells when."""

    def work(job: Message, progress: Progress) -> Outputs:
        began, until = time.time_ns(), time.monotonic() + (0 if job.video.video == "warm" else seconds)
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.5))
            progress(0, 1)
        keys = job_keys(job, (*step.gives, *step.optional), "bench")
        for key in keys.values():
            store.put(key, ARTIFACT)
        counts = {
            workflow.PLANNING: {"segments": segments, "duration_ns": segments * 300 * 10**9},
            workflow.INDEXING: {"rows": 1, "expected": 1},
        }
        segment = -1 if job.segment is None else job.segment
        told = {"video": str(job.video), "step": job.step, "segment": segment, "began": began, "ended": time.time_ns()}
        with trace.open("a") as file:
            file.write(json.dumps(told) + "\n")
        return Outputs(keys, counts.get(job.step, {}))

    return work


def main() -> None:
    from celery.signals import worker_ready

    stage = sys.argv[1]
    service.begin(stage)
    folder, segments = Path(os.environ["VIDX_BENCH_FOLDER"]), int(os.environ["VIDX_BENCH_SEGMENTS"])
    seconds = json.loads(os.environ["VIDX_BENCH_SECONDS"])
    store, trace = FolderStore(folder / "store"), folder / f"{stage}-{os.getpid()}.trace"
    app = celery_app(QueueSettings())
    steps = [step for step in workflow.STEPS if step.stage == stage]
    worker.register(app, {s.name: handler(s, store, trace, seconds.get(s.name, 0), segments) for s in steps})

    def ready(**_: object) -> None:
        trace.with_suffix(".ready").touch()

    worker_ready.connect(ready)
    worker.run(app, stage, 1)


if __name__ == "__main__":
    main()
