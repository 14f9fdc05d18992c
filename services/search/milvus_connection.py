"""A connection to Milvus: made at the first call, made again by itself, with the platform's errors."""

import logging
import re
import threading
from collections.abc import Callable
from typing import TypeVar

import grpc
from opentelemetry.trace import SpanKind
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException

from services.core.deadlines import Deadline
from services.core.errors import Exhausted, StorageFull, TimedOut, Unavailable, VidxError
from services.runtime import metrics, tracing
from services.search.settings import SearchSettings

# It logs each error that it raises, with a page of its code and past the platform's log; here the error is told once.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)

NO_COLLECTION, NOT_LOADED, RATE_LIMIT = 100, 101, 8
OLDEST = (2, 5)
"""Full text search came with it; and before, what is upserted is not all found by its partition key."""
QUIET = {"grpc.keepalive_time_ms": 600_000, "grpc.keepalive_permit_without_calls": 0}
"""pymilvus pings every 10 s, calls or not; a gRPC server with usual settings, as milvus-lite is, hangs up on that."""
T = TypeVar("T")
Call = Callable[[MilvusClient, str, float], T]
"""Takes the client, a collection's name and a timeout in seconds."""


class Connection:
    """Safe to call from several threads. pymilvus connects again when a server comes back, given time."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._client: MilvusClient | None = None
        self._lite = False

    @property
    def lite(self) -> bool:
        """True when the server is milvus-lite. Known after the first call."""
        return self._lite

    def call(
        self,
        what: str,
        name: str,
        do: Call[T],
        timeout_s: float | None = None,
    ) -> T | None:
        """Call `do` with the client, the collection's name and a timeout; None when there is no such collection.

        A collection that is not loaded, as all are after milvus-lite starts again, is loaded first.
        """
        until = Deadline.after(timeout_s or self._settings.write_timeout_s)
        about = {"db.system": "milvus", "db.operation.name": what, "db.collection.name": name}
        with (
            tracing.span(f"milvus {what}", SpanKind.CLIENT, attributes=about),
            metrics.timed(metrics.MILVUS_SECONDS, what),
        ):
            return self._call(what, name, do, until)

    def _call(self, what: str, name: str, do: Call[T], until: Deadline) -> T | None:
        try:
            client = self._connected(until)
            try:
                return do(client, name, until.left())
            except MilvusException as error:
                if error.code != NOT_LOADED:
                    raise
                client.load_collection(name, timeout=until.left())
                return do(client, name, until.left())
        except MilvusException as error:
            if error.code == NO_COLLECTION:
                return None
            raise self._rename(error, what) from error
        except grpc.RpcError as error:
            raise Unavailable(f"Milvus at {self._settings.milvus_uri} does not answer {what}") from error
        except TimedOut as error:
            raise self._late(what) from error

    def wait(self, until: Deadline | None) -> float:
        """Seconds that a question to the index may take. Raises TimedOut when none is left."""
        limit = self._settings.search_timeout_s
        return limit if until is None else min(limit, until.left())

    def close(self) -> None:
        """End the connection, and with it every call under way."""
        if self._client is not None:
            self._client.close()

    def _connected(self, until: Deadline) -> MilvusClient:
        # One thread connects; those who wait for it have their own deadlines.
        if not self._lock.acquire(timeout=until.left()):
            raise TimedOut("another thread is connecting still")
        try:
            if self._client is None:
                s = self._settings
                token, timeout = s.milvus_token.get_secret_value(), min(s.connect_timeout_s, until.left())
                trusted = {"server_pem_path": str(s.milvus_ca)} if s.milvus_ca else {}
                client = MilvusClient(
                    uri=s.milvus_uri, token=token, timeout=timeout, dedicated=True, grpc_options=QUIET, **trusted
                )
                version = str(client.get_server_version(timeout=timeout))
                if _too_old(version):
                    client.close()
                    raise Unavailable(f"Milvus at {s.milvus_uri} is {version}: 2.5 or newer is needed")
                self._lite = version.startswith("milvus_lite")
                self._client = client
            return self._client
        finally:
            self._lock.release()

    def _rename(self, error: MilvusException, what: str) -> VidxError:
        text, at = str(error.message)[:300], self._settings.milvus_uri
        if error.code == RATE_LIMIT:
            return Exhausted(f"Milvus at {at} is over its limits for {what}: {text}")
        if "No space left" in text:
            return StorageFull(f"Milvus at {at} has no room left")
        if "DEADLINE_EXCEEDED" in text:
            return self._late(what)
        return Unavailable(f"Milvus at {at} failed on {what}: {text}")

    def _late(self, what: str) -> TimedOut:
        return TimedOut(f"Milvus at {self._settings.milvus_uri} took too long for {what}")


def _too_old(version: str) -> bool:
    """Whether it is a release of Milvus before the oldest that will do; what is named otherwise may be any."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) < OLDEST
