"""Exit status and the one line on standard error."""

import click
import pytest

from services.cli import __main__ as entry
from services.core.errors import NotFound


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (NotFound("no video\n x"), 1, "vidx: no video x"),
        (click.UsageError("wrong"), 2, "vidx: wrong"),
        (KeyboardInterrupt(), 130, "vidx: interrupted"),
        (FileNotFoundError(2, "No such file", "a\nb"), 1, "vidx: No such file: 'a\\nb'"),
    ],
)
def test_failure_is_one_line_and_a_status(monkeypatch, capsys, raised, status, line):
    def fail(*_args, **_kwargs):
        raise raised

    monkeypatch.setattr(entry.cli, "main", fail)
    assert entry.main([]) == status
    assert capsys.readouterr().err == line + "\n"


def test_every_command_has_help(capsys):
    for command in entry.COMMANDS:
        assert entry.main([command, "--help"]) == 0
        assert "Usage: vidx" in capsys.readouterr().out


def test_help_imports_nothing_heavy():
    import subprocess
    import sys

    code = "import sys; from services.cli.__main__ import main; main(['--help']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"grpc", "numpy", "torch", "pydantic", "google.protobuf"} & set(loaded)
    assert "click" in loaded


def test_unknown_command_is_wrong_usage(capsys):
    assert entry.main(["nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_without_a_platform_the_message_says_what_to_do(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("VIDX_ADDRESS", raising=False)
    monkeypatch.setenv("VIDX_HOME", str(tmp_path))
    assert entry.main(["list"]) == 1
    assert "`vidx up`" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["host", ":1", "host:", "host:port"])
def test_wrong_address_is_refused(monkeypatch, capsys, address):
    monkeypatch.setenv("VIDX_ADDRESS", address)
    assert entry.main(["list"]) == 1
    assert "VIDX_ADDRESS" in capsys.readouterr().err


def test_home_that_cannot_be_in_an_address_is_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("VIDX_ADDRESS", raising=False)
    monkeypatch.setenv("VIDX_HOME", str(tmp_path / "what?"))
    assert entry.main(["status"]) == 1
    assert "VIDX_HOME" in capsys.readouterr().err
