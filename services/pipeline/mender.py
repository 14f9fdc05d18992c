"""Mends what the doctor finds. Each mend looks at the catalog once more, in the transaction that changes it."""

from collections.abc import Collection

from services.catalog.database import Database
from services.catalog.states import VideoState
from services.core.names import VideoName
from services.core.store import Artifacts
from services.pipeline import ledger
from services.pipeline.control import Control

JobKey = tuple[str, str, str, int]


class Mender:
    """Safe to call while everything works on."""

    def __init__(self, database: Database, store: Artifacts, control: Control) -> None:
        self._database = database
        self._store = store
        self._control = control

    def again(self, name: VideoName, steps: set[str], units: Collection[JobKey] = ()) -> None:
        """Do the steps, and these units of others, once more; what they find done stays as it is."""
        with self._database.write() as session:
            video = ledger.find(session, name, lock=True)
            if video is None or video.state == VideoState.DELETING:
                return
            chosen = [job for job in ledger.jobs_of(session, video) if ledger.job_key(job) in units]
            if video.state in (VideoState.PROCESSING, VideoState.READY):
                ledger.restart(session, video, steps, chosen)
            else:
                # Whoever retries the video has them done; nothing is begun for a video that was stopped.
                for job in chosen:
                    ledger.undo(job)
        self._control.poke()

    def save_info(self, name: VideoName) -> None:
        """Write what is said of a video to the store, from the catalog."""
        with self._database.read() as session:
            video = ledger.find(session, name)
        if video is not None:
            self._control.save_info(video)

    def drop(self, name: VideoName, updated: int, keys: list[str]) -> None:
        """Remove objects of a video, unless anything of it changed since `updated`."""
        with self._database.write() as session:
            video = ledger.find(session, name, lock=True)
            if video is not None and video.state == VideoState.READY and video.updated == updated:
                self._store.objects.delete(keys)

    def drop_upload(self, keys: list[str]) -> None:
        """Remove parts of an upload that nobody can go on with."""
        self._store.objects.delete(keys)

    def sweep(self, name: VideoName) -> None:
        """Remove objects and rows of a video that is not in the catalog."""
        self._control.sweep(name)
