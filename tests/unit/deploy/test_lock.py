"""What is installed: every pinned package has hashes, and what could not be looked up is not called safe."""

import re
from pathlib import Path

import pytest

from deploy.audit.check import verdict

ROOT = Path(__file__).parents[3]
UNHASHED = {"torch"}
"""Its build is the machine's choice."""


def pins(text: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def test_the_lock_holds_the_versions_of_the_constraints_each_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    wanted = pins((ROOT / "constraints.txt").read_text())
    assert pins(lock) == {name: v for name, v in wanted.items() if name not in UNHASHED}, "run make lock"
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("found", "status", "says"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "no known vulnerability"),
        ([{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}], 1, "CVE-1"),
        ([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}], 3, "NOT AUDITED"),
        ([], 3, "NOT AUDITED"),
    ],
    ids=["good", "vulnerable", "not looked up", "nothing"],
)
def test_an_audit_says_what_it_knows(found, status: int, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(found) == status
    out = capsys.readouterr()
    assert says in out.out + out.err
