"""Hostile videos through the whole platform: each READY or FAILED with a cause, and nobody dies of any."""

from pathlib import Path

from tests.hostile.whole import sent
from tests.media import hostile
from tests.servers.platform import Platform

MANY = 16


def test_hostile_videos_end_and_harm_nobody(platform: Platform, tmp_path: Path) -> None:
    cases = list(hostile.files(tmp_path / "good"))
    report, dead = sent(platform, tmp_path / "sent", cases[7 :: len(cases) // MANY][:MANY])
    assert report.faults == []
    assert report.tried == MANY
    assert "not taken" not in report.ends
    assert dead == 0
    assert "landlock" in platform.log("decoding") or "rlimits" in platform.log("decoding")
