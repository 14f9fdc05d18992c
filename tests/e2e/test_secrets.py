"""A run with a recognizable secret in every secret setting: none is in a log, an answer, a trace or the status."""

from pathlib import Path

from tests.media.broken import text
from tests.media.films import two_scenes
from tests.servers import secrets
from tests.servers.collector import Collector
from tests.servers.platform import Platform


def test_no_secret_is_in_anything_that_the_platform_says(
    platform: Platform, collector: Collector, tmp_path: Path
) -> None:
    good, bad = two_scenes(tmp_path / "film.mp4"), text(tmp_path / "bad.mp4")
    answers = [
        platform.vidx(*arguments)
        for arguments in (
            ("index", str(good), "--collection", "secrets", "--wait", "--json"),
            ("index", str(bad), "--collection", "secrets", "--wait", "--json"),
            ("search", "a picture", "--collection", "secrets", "--json"),
            ("search", "a picture", "--collection", "nowhere", "--json"),
            ("ask", "what is seen?", "--collection", "secrets", "--json"),
            ("list", "--collection", "secrets", "--json"),
            ("index", "s3://bucket/key", "--collection", "secrets", "--json"),
            ("status", "--json"),
            ("status",),
            ("logs",),
        )
    ]
    assert sum(answer.returncode == 0 for answer in answers) >= 5
    said = {" ".join(map(str, answer.args[3:])): answer.stdout + answer.stderr for answer in answers}
    said |= {str(log): log.read_text(errors="replace") for log in (platform.home / "logs").iterdir()}
    assert collector.spans()
    said["traces"] = str(collector.spans())
    assert any("decoding" in name for name in said)
    assert [name for name, words in said.items() if secrets.MARK in words] == []
