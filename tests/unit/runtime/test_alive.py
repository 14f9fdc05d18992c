"""A worker's sign of life."""

from pathlib import Path

import pytest

from services.runtime import alive


@pytest.mark.parametrize("now", [5.06, 17_357.752511704, 0.04999])
def test_a_sign_is_never_younger_than_now(now: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alive.time, "monotonic", lambda: now)

    alive.tell(tmp_path / "alive")

    assert alive.silence(tmp_path / "alive") == 0
