"""Tells videos the shot labels that their collection has now."""

from contextlib import suppress

import sqlalchemy as sa

from services.catalog.database import Database
from services.catalog.models import Collection, Video
from services.catalog.states import VideoState
from services.core.errors import NotFound
from services.core.names import VideoName
from services.pipeline.control import Change, Control

AT_A_TIME = 20
"""Videos of a collection at one call: a fraction of a second, so that nothing else waits for it."""
_OUTDATED = sa.cast(Video.shot_labels, sa.Text) != sa.cast(Collection.shot_labels, sa.Text)


def relabel(database: Database, control: Control, collection: str = "") -> None:
    """Go on with the videos of one collection, or of each whose labels were changed; look for the labels in them.

    The catalog shows who is left, so the next call goes on where one broke off.
    """
    query = sa.select(Collection).where(Collection.relabel)
    with database.read() as session:
        changed = session.scalars(query.where(Collection.id == collection) if collection else query).all()
    for row in changed:
        outdated = (
            sa.select(Video.id)
            .join(Collection, Collection.id == Video.collection)
            .where(Collection.id == row.id, Video.state != VideoState.DELETING, _OUTDATED)
            .limit(AT_A_TIME)
        )
        with database.read() as session:
            left = session.scalars(outdated).all()
        for video in left:
            with suppress(NotFound):
                control.update(VideoName(row.id, video), Change(shot_labels=tuple(row.shot_labels)))
        if len(left) == AT_A_TIME:
            continue
        with database.write() as session:
            # Locked, as by those who enter a video: none may come in with the labels of before after the last look.
            known = session.get(Collection, row.id, with_for_update=True)
            if known is not None and session.scalar(outdated) is None:
                known.relabel = False
