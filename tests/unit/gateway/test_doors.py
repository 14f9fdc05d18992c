"""The public service is put together of doors."""

from types import SimpleNamespace

import pytest

from services.gateway.rpc import SERVICE, joined

NAMES = [method.name for method in SERVICE.methods]


def door(*methods: str) -> SimpleNamespace:
    return SimpleNamespace(**{name: lambda *_: None for name in methods})


@pytest.mark.parametrize("having", [0, 2])
def test_a_method_of_no_door_or_of_two_is_told_at_the_start(having: int) -> None:
    with pytest.raises(ValueError, match=f"{NAMES[0]} has {having} doors"):
        joined(door(*NAMES[1:]), *[door(NAMES[0]) for _ in range(having)])
