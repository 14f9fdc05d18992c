"""What is told to the outside when a video or a job has come to an end: counts, times, and a span over it all."""

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.orm import Session

from services.catalog.models import Video
from services.catalog.states import VideoState
from services.core.times import SECOND
from services.pipeline import ledger
from services.runtime import metrics, tracing


def failed(session: Session, step: str, reason: str) -> None:
    """An attempt of a job failed, or its worker was lost."""
    _after(session, lambda: metrics.FAILURES.labels(step, reason).inc())


def ended(session: Session, video: Video, reason: str = "") -> None:
    """The video became what its state says. Its span begins when it was entered."""
    name, state, trace, created = str(ledger.name_of(video)), video.state, video.trace or "", video.created
    media_s, took_s = video.duration / SECOND, (ledger.now() - created) / SECOND

    def tell() -> None:
        metrics.VIDEOS_ENDED.labels(state).inc()
        if state == VideoState.READY:
            metrics.MEDIA_SECONDS.inc(media_s)
            metrics.INDEXING_SECONDS.observe(took_s)
        tracing.record(f"video {state}", trace, created, {"vidx.video": name, "vidx.media_s": media_s}, reason)

    _after(session, tell)


def _after(session: Session, tell: Callable[[], None]) -> None:
    """Once it is so: a transaction that is undone is told again when it succeeds."""
    event.listen(session, "after_commit", lambda _: tell(), once=True)
