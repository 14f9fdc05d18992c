"""Sends the messages of webhooks, again and again with growing pauses, until they are taken or given up."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import sqlalchemy as sa
import urllib3
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.catalog.database import Database
from services.catalog.models import Delivery, Webhook
from services.core.errors import InvalidInput, VidxError
from services.core.times import SECOND
from services.pipeline import ledger
from services.pipeline.webhooks import signed
from services.runtime import pinned, telemetry
from services.runtime.addresses import Network, address_of

PAUSES_S = (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)
"""After the first failed try, the second and so on; after one more it is given up."""
AT_ONCE = 8
OF_ONE = 4
"""Messages of one webhook in a look: a server that never answers must not hold up the others' messages."""
GONE = 410
_log = telemetry.log(__name__)


class WebhookSettings(BaseSettings):
    """Where messages may go."""

    model_config = SettingsConfigDict(env_prefix="VIDX_WEBHOOK_", frozen=True)

    http: bool = Field(False, description="allow http: addresses, whose messages anybody on the way may read")
    networks: tuple[Network, ...] = Field(
        (), description='JSON list of networks that are not public and may be reached, such as ["10.20.0.0/16"]'
    )
    timeout_s: float = Field(10.0, gt=0, description="for an answer")
    tick_s: float = Field(1.0, gt=0, description="seconds between looks for messages")


def check(url: str, settings: WebhookSettings) -> tuple[str, int, str]:
    """Scheme, port and an address of the host to connect to. Raises InvalidInput, Denied, NotFound."""
    rule = "https://host/path" if not settings.http else "https:// or http://host/path"
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise InvalidInput(f"url: {rule}", fields={"webhook.url": rule}) from None
    if parts.scheme not in ("https", *(["http"] if settings.http else [])) or not parts.hostname or "@" in parts.netloc:
        raise InvalidInput(f"url: {rule}, without a name or password", fields={"webhook.url": rule})
    return parts.scheme, port, address_of(parts.hostname, port, settings.networks, "VIDX_WEBHOOK_NETWORKS")


def post(url: str, headers: dict[str, str], body: str, settings: WebhookSettings) -> int:
    """Send, to the very address that was checked; the status of the answer. No redirect is followed."""
    scheme, port, address = check(url, settings)
    parts = urlsplit(url)
    timeout, deadline = urllib3.Timeout(total=settings.timeout_s), time.monotonic() + settings.timeout_s
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sent = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "vidx", **headers}
    with pinned.pool(scheme == "https", parts.hostname or "", port, address, timeout, deadline) as pool:
        answer = pool.request(
            "POST", path, body=body.encode(), headers=sent, redirect=False, retries=False, preload_content=False
        )
        answer.close()
    if time.monotonic() >= deadline:
        # A head that was cut off looks like a whole one.
        raise TimeoutError
    return answer.status


@dataclass(frozen=True)
class _Claimed:
    id: str
    tries: int
    url: str
    secret: str
    body: str


class Sender:
    """Looks for messages that are due. Several may run at once; a message may come twice, with the same webhook-id."""

    def __init__(self, database: Database, settings: WebhookSettings, send: Callable[..., int] = post) -> None:
        self._database = database
        self._settings = settings
        self._send = send
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")

    def look(self) -> int:
        """Send what is due, and return how many messages that were."""
        claimed = self._claim()
        for _ in self._threads.map(self._try, claimed):
            pass
        return len(claimed)

    def close(self) -> None:
        self._threads.shutdown()

    def _claim(self) -> list[_Claimed]:
        """Take messages, for as long as sending them may take: after that another sender may."""
        now = ledger.now()
        query = (
            sa.select(Delivery, Webhook)
            .join(Webhook, Webhook.id == Delivery.webhook)
            .where(Delivery.state == "WAITING", Delivery.not_before <= now)
            .order_by(Delivery.not_before, Delivery.created)
            .limit(25 * AT_ONCE)
        )
        with self._database.read() as session:
            if session.execute(query.limit(1)).first() is None:
                return []
        found: list[_Claimed] = []
        taken: Counter[str] = Counter()
        lease = int((4 * self._settings.timeout_s + 60) * SECOND)
        with self._database.write() as session:
            for row, hook in session.execute(query.with_for_update(of=Delivery, skip_locked=True)):
                if taken[hook.id] == OF_ONE or len(found) == 4 * AT_ONCE:
                    continue
                taken[hook.id] += 1
                row.tries, row.not_before = row.tries + 1, now + lease
                found.append(_Claimed(row.id, row.tries, hook.url, hook.secret, row.body))
        return found

    def _try(self, message: _Claimed) -> None:
        status, error = 0, ""
        try:
            headers = signed(message.secret, message.id, int(time.time()), message.body)
            status = self._send(message.url, headers, message.body, self._settings)
        except VidxError as fault:
            error = fault.message
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as fault:
            error = f"no answer: {type(fault).__name__}"
        if status and not 200 <= status < 300:
            error = f"answered {status}"
        try:
            self._ended(message, status, error)
        except VidxError as fault:
            # It is sent again after the lease.
            _log.warning("delivery_not_noted", delivery=message.id, message=fault.message)

    def _ended(self, message: _Claimed, status: int, error: str) -> None:
        with self._database.write() as session:
            row = session.get(Delivery, message.id, with_for_update=True)
            if row is None or row.tries != message.tries:
                return
            row.status, row.error = status, error[:500]
            if not error:
                row.state, row.ended = "DELIVERED", ledger.now()
            elif status == GONE or message.tries > len(PAUSES_S):
                row.state, row.ended = "FAILED", ledger.now()
                _log.warning("delivery_failed", delivery=row.id, webhook=row.webhook, status=status, message=error)
            else:
                row.not_before = ledger.now() + PAUSES_S[message.tries - 1] * SECOND
