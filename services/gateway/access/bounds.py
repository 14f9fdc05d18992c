"""How often, and how much at a time, a collection's callers may ask: counted over all gateways.

Requests are counted by Redis. It may be away: then each gateway counts its own calls until it is back. A bound that is
too wide for a while harms less than a platform that answers nobody. Uploads are counted in the catalog.
"""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import limits
from cachetools import TTLCache
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from services.catalog.quotas import Bounds, Quotas, exceeded
from services.gateway.access.places import HeldPlaces
from services.runtime import telemetry

KNOWN_S = 2.0
"""A changed bound holds everywhere after so long."""
AWAY_S = 5.0
"""After a failure Redis is left alone for so long."""
_REDIS_S = 0.5
_log = telemetry.log(__name__)


class CallBounds:
    """Counts the calls about each collection that has a bound."""

    def __init__(
        self, quotas: Quotas, places: HeldPlaces, redis_url: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`redis_url`: of what all gateways share; when empty, this one counts alone."""
        self._quotas = quotas
        self._places = places
        self._clock = clock
        self._known: TTLCache[str, Bounds] = TTLCache(10_000, KNOWN_S, clock)
        self._lock = threading.Lock()
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = SlidingWindowCounterRateLimiter(_redis(redis_url)) if redis_url else None
        self._away_until = float("-inf")

    def request(self, collection: str) -> None:
        """Count a call. Raises QuotaExceeded when it is one too many."""
        most = self._bounds(collection).requests
        if not most:
            return
        item = limits.RateLimitItemPerMinute(most)
        limiter = self._limiter()
        try:
            allowed, reset = self._hit(limiter, item, collection)
        except (StorageError, OSError) as error:
            self._away_until = self._clock() + AWAY_S
            _log.warning("counts_not_shared", message=str(error)[:200])
            allowed, reset = self._hit(self._own, item, collection)
        if not allowed:
            retry_s = max(1.0, reset - time.time())
            raise exceeded(collection, f"at most {most} requests a minute", retry_s)

    def intake(self, collection: str) -> AbstractContextManager[None]:
        """A place among the uploads under way. Entering it raises QuotaExceeded when all are taken."""
        return self._places.hold(collection) if self._bounds(collection).uploads else nullcontext()

    def _bounds(self, collection: str) -> Bounds:
        with self._lock:
            known = self._known.get(collection)
        if known is None:
            known = self._quotas.bounds(collection)
            with self._lock:
                self._known[collection] = known
        return known

    def _limiter(self) -> SlidingWindowCounterRateLimiter:
        shared = self._shared
        return self._own if shared is None or self._clock() < self._away_until else shared

    @staticmethod
    def _hit(
        limiter: SlidingWindowCounterRateLimiter, item: limits.RateLimitItem, collection: str
    ) -> tuple[bool, float]:
        """Whether it may be, and when there is room again, in seconds since the epoch."""
        allowed = limiter.hit(item, "requests", collection)
        return allowed, 0.0 if allowed else limiter.get_window_stats(item, "requests", collection).reset_time


def _redis(url: str) -> RedisStorage:
    return RedisStorage(
        url,
        wrap_exceptions=True,
        key_prefix="vidx:bounds",
        socket_timeout=_REDIS_S,
        socket_connect_timeout=_REDIS_S,
    )
