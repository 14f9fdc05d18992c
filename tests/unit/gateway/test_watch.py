"""Watching a video: told when something changed, and cheap while nothing does."""

import sqlalchemy as sa

from services.catalog.models import Video
from services.gateway.videos import Videos
from tests.fakes.house import House


def test_jobs_are_read_only_when_the_video_has_changed(house: House) -> None:
    name, statements = house.add(), list[str]()
    videos = Videos(house.database, house.store, house.control, watch_s=0.0, max_watchers=1)
    looks = 0

    def active() -> bool:
        nonlocal looks
        looks += 1
        if looks == 20:
            with house.database.write() as session:
                session.execute(sa.update(Video).values(state="FAILED", updated=Video.updated + 1))
        return looks < 30

    def note(*told: object) -> None:
        statements.append(str(told[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        told = [view.row.state for view in videos.watch(name, active)]
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert told == ["PROCESSING", "FAILED"]
    assert looks == 20
    assert sum("FROM jobs" in statement for statement in statements) == 2
