"""Whether a gateway asks for keys: silent on loopback, plainly said anywhere else."""

import pytest

from services.core.errors import InvalidInput
from services.gateway.access.settings import AccessSettings
from services.runtime.settings import ServerSettings

NEAR, FAR = ServerSettings(), ServerSettings(address="0.0.0.0:50051", insecure=True)


def test_on_loopback_nobody_is_asked_unless_told() -> None:
    assert not AccessSettings().asks(NEAR)
    assert AccessSettings(authentication="on").asks(NEAR)


def test_elsewhere_it_must_be_said() -> None:
    with pytest.raises(InvalidInput, match="VIDX_ACCESS_AUTHENTICATION=on"):
        AccessSettings().asks(FAR)
    assert AccessSettings(authentication="on").asks(FAR)
    assert not AccessSettings(authentication="off").asks(FAR)
