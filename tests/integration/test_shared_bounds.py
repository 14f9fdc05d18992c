"""Requests a minute are counted over all gateways by a real Redis, and by each alone while it is away."""

from pathlib import Path

import pytest

from services.catalog.places import Places
from services.catalog.quotas import Quotas
from services.core.errors import QuotaExceeded
from services.gateway.access import bounds as module
from services.gateway.access.bounds import AWAY_S, CallBounds
from services.gateway.access.places import HeldPlaces
from tests.fakes.house import House
from tests.servers import redis


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(bounds: CallBounds, tries: int) -> int:
    """Of so many calls about `c`, those that were let in; the others are told when to come back."""
    hints = []
    for _ in range(tries):
        try:
            bounds.request("c")
        except QuotaExceeded as error:
            hints.append(error.retry_s)
    assert all(1 <= hint <= 60 for hint in hints)
    return tries - len(hints)


def test_two_gateways_count_together_and_alone_while_redis_is_away(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quotas = Quotas(house.database)
    quotas.change("c", {"requests": 10})
    clock = Clock()
    # On a busy machine a Redis that is there may take its time, and must not pass for one that is away.
    monkeypatch.setattr(module, "_REDIS_S", 60.0)
    with redis.serving(tmp_path) as (url, process):
        first, second = (CallBounds(quotas, HeldPlaces(Places(house.database)), url, clock) for _ in range(2))
        assert (taken(first, 6), taken(second, 6), taken(first, 6)) == (6, 4, 0)
        redis.stop(process)
        # Nobody is locked out by a Redis that is away; nor is there no bound at all.
        assert (taken(first, 20), taken(second, 20)) == (10, 10)
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    with redis.serving(tmp_path, port):
        clock.now += AWAY_S
        assert taken(first, 6) + taken(second, 6) == 10


def test_a_changed_bound_holds_after_a_moment(house: House) -> None:
    quotas, clock = Quotas(house.database), Clock()
    bounds = CallBounds(quotas, HeldPlaces(Places(house.database)), "", clock)
    assert taken(bounds, 20) == 20
    quotas.change("c", {"requests": 5, "uploads": 1})
    clock.now += 3
    assert taken(bounds, 20) == 5
    with bounds.intake("c"), pytest.raises(QuotaExceeded), bounds.intake("c"):
        pass
    with bounds.intake("c"), bounds.intake("d"):
        pass
