"""The gateway's image content, from an empty prefix: it imports, serves, ends, and stays within its budget."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[2] / "deploy/image/check.py"


@pytest.mark.timeout(1500)
def test_the_gateways_image_is_small_and_serves() -> None:
    made = subprocess.run([sys.executable, CHECK, "gateway"], capture_output=True, text=True, timeout=1400)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "serves, and ends at SIGTERM" in made.stdout


def test_a_prefix_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "somebodys").touch()
    install = CHECK.with_name("install.sh")
    for service, where in (("gateway", tmp_path), ("no-such-service", tmp_path / "new")):
        made = subprocess.run(["sh", install, service, where], capture_output=True, text=True, timeout=60)
        assert made.returncode == 2
        assert made.stderr.startswith("install.sh: ")
    assert [file.name for file in tmp_path.iterdir()] == ["somebodys"]
