"""Webhooks: where a collection's events go, their messages, and how those are signed.

A message is entered in the transaction in which its event happens, so none is lost and none is made up; `sending` takes
it from there. The form and the signature are those of the Standard Webhooks specification (standardwebhooks.com).
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.catalog.database import Database
from services.catalog.models import Collection, Delivery, Video, Webhook
from services.core.errors import Conflict, InvalidInput, NotFound
from services.core.names import CollectionName, new_id
from services.pipeline import ledger

READY, FAILED, DELETED = EVENTS = ("video.ready", "video.failed", "video.deleted")
MAX_WEBHOOKS = 20
"""Of a collection."""
MAX_URL = 2000
_SECRET = "whsec_"


@dataclass(frozen=True)
class HookName:
    """collections/{collection}/webhooks/{webhook}"""

    parent: CollectionName
    webhook: str

    def __str__(self) -> str:
        return f"{self.parent}/webhooks/{self.webhook}"


class Webhooks:
    """Use cases on webhooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, parent: CollectionName, url: str, events: Sequence[str]) -> Webhook:
        """A webhook for some events, or for all. The caller has checked where the address leads."""
        wanted = [event for event in EVENTS if event in events] if events else list(EVENTS)
        if set(events) - set(EVENTS):
            rule = f"of {', '.join(EVENTS)}"
            raise InvalidInput(f"events: {rule}", fields={"webhook.events": rule})
        if not 0 < len(url) <= MAX_URL or not url.isprintable():
            rule = f"1 to {MAX_URL} printable characters"
            raise InvalidInput(f"url: {rule}", fields={"webhook.url": rule})
        secret = _SECRET + base64.b64encode(secrets.token_bytes(32)).decode()
        row = Webhook(
            id=new_id(),
            collection=parent.collection,
            url=url,
            events=wanted,
            secret=secret,
            created=ledger.now(),
            ended=0,
        )
        with self._database.write() as session:
            if session.get(Collection, parent.collection, with_for_update=True) is None:
                raise NotFound(f"no {parent}; create it first")
            if len(_hooks(session, parent.collection)) >= MAX_WEBHOOKS:
                raise Conflict(f"{parent} has {MAX_WEBHOOKS} webhooks; delete some")
            session.add(row)
        return row

    def list(self, parent: CollectionName) -> Sequence[Webhook]:
        with self._database.read() as session:
            if session.get(Collection, parent.collection) is None:
                raise NotFound(f"no {parent}; create it first")
            return _hooks(session, parent.collection)

    def delete(self, name: HookName) -> None:
        with self._database.write() as session:
            session.delete(_existing(session, name))

    def deliveries(
        self, name: HookName, state: str, limit: int, before: tuple[int, str] | None = None
    ) -> Sequence[Delivery]:
        """At most `limit` messages that are older than `before` (created, id), newest first; of a state, or all."""
        query = sa.select(Delivery).where(Delivery.webhook == name.webhook)
        if state:
            query = query.where(Delivery.state == state)
        if before:
            query = query.where(sa.tuple_(Delivery.created, Delivery.id) < sa.tuple_(*map(sa.literal, before)))
        with self._database.read() as session:
            _existing(session, name)
            return session.scalars(query.order_by(Delivery.created.desc(), Delivery.id.desc()).limit(limit)).all()

    def redeliver(self, name: HookName, delivery: str) -> Delivery:
        """Have a message sent again, now, and as often as a new one where that fails."""
        with self._database.write() as session:
            _existing(session, name)
            row = session.get(Delivery, delivery, with_for_update=True)
            if row is None or row.webhook != name.webhook:
                raise NotFound(f"no {name}/deliveries/{delivery}")
            row.state, row.tries, row.not_before, row.ended = "WAITING", 0, 0, 0
            return row


def announce(session: Session, event: str, video: Video) -> None:
    """Enter the messages of an event, in the transaction in which it happens."""
    for hook in _hooks(session, video.collection):
        if event not in hook.events:
            continue
        at, name = ledger.now(), str(ledger.name_of(video))
        data: dict[str, object] = {"video": name}
        if event == FAILED:
            data["error"] = {
                "stage": video.error_stage, "reason": video.error_reason, "message": video.error_message[:500],
            }  # fmt: skip
        when = datetime.fromtimestamp(at / 1e9, UTC).isoformat(timespec="milliseconds")
        body = json.dumps({"type": event, "timestamp": when, "data": data})
        session.add(Delivery(id=f"msg-{new_id()}", webhook=hook.id, event=event, video=name, body=body, created=at))


def end(session: Session, collection: str) -> None:
    """Nothing comes to a collection's webhooks from now on."""
    session.execute(sa.update(Webhook).where(Webhook.collection == collection).values(ended=ledger.now()))


def signed(secret: str, id_: str, timestamp_s: int, body: str) -> dict[str, str]:
    """The headers of a message: HMAC-SHA256 over its id, the time of sending and the body."""
    key = base64.b64decode(secret.removeprefix(_SECRET))
    digest = hmac.digest(key, f"{id_}.{timestamp_s}.{body}".encode(), hashlib.sha256)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _hooks(session: Session, collection: str) -> Sequence[Webhook]:
    query = sa.select(Webhook).where(Webhook.collection == collection, Webhook.ended == 0)
    return session.scalars(query.order_by(Webhook.created, Webhook.id)).all()


def _existing(session: Session, name: HookName) -> Webhook:
    row = session.get(Webhook, name.webhook)
    if row is None or row.collection != name.parent.collection or row.ended:
        raise NotFound(f"no {name}")
    return row
