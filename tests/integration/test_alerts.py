"""promtool finds the rules right, and each fires when it should and not when it should not."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers.prometheus import REPOSITORY, program

DEPLOY = REPOSITORY / "deploy"
FOLDER = DEPLOY / "prometheus"


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, timeout=120)


def test_each_alert_fires_and_is_quiet_as_its_test_says() -> None:
    done = promtool("test", "rules", str(FOLDER / "alerts.test.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_is_wrong_is_found(tmp_path: Path) -> None:
    for file in ("alerts.yaml", "alerts.test.yaml"):
        shutil.copy(FOLDER / file, tmp_path)
    rules = tmp_path / "alerts.yaml"
    rules.write_text(rules.read_text().replace("> 1800", "> 18000"))
    done = promtool("test", "rules", str(tmp_path / "alerts.test.yaml"))
    assert done.returncode != 0
    assert "VidxQueueStuck" in done.stdout + done.stderr


@pytest.mark.parametrize("file", ["prometheus/prometheus.yaml", "compose/prometheus.yaml"])
def test_the_configuration_that_is_shipped_is_one(tmp_path: Path, file: str) -> None:
    # The rules lie beside it, as compose mounts them.
    for shipped in (DEPLOY / file, FOLDER / "alerts.yaml"):
        shutil.copy(shipped, tmp_path)
    done = promtool("check", "config", str(tmp_path / "prometheus.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rules found" in done.stdout + done.stderr
