"""Asks for known vulnerabilities of every pinned package, and writes a software bill of materials.

`python deploy/audit/check.py PYTHON LOCK FOLDER`: PYTHON is the interpreter whose packages are listed. Exit status: 0
when each package was looked up and none is known to be vulnerable, 1 when one is, 3 when the service was not reached.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TIMEOUT_S = 900


def main(python: str, lock: str, folder: str) -> int:
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    bill = out / "sbom.cdx.json"
    tool = Path(sys.executable).parent
    command = [
        str(tool / "cyclonedx-py"),
        "environment",
        "--output-reproducible",
        "--of",
        "JSON",
        "-o",
        str(bill),
        python,
    ]
    subprocess.run(command, check=True, timeout=TIMEOUT_S)
    components = json.loads(bill.read_text())["components"]
    print(f"{bill}: {len(components)} packages (CycloneDX)")
    asked = [str(tool / "pip-audit"), "--disable-pip", "--require-hashes", "-r", lock, "-f", "json"]
    done = subprocess.run(
        [*asked, "--progress-spinner", "off"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return _unknown(f"pip-audit could not ask the vulnerability service: {last[:300]}")
    return verdict(found)


def verdict(found: list[dict[str, Any]]) -> int:
    """Say what pip-audit found; a package that it could not look up is not a good one."""
    bad = [(entry, v) for entry in found for v in entry.get("vulns", ())]
    for entry, v in bad:
        print(
            f"VULNERABLE {entry['name']} {entry['version']}: {v['id']}, mended in {', '.join(v['fix_versions']) or '-'}"
        )
    skipped = [entry for entry in found if "skip_reason" in entry]
    if bad:
        return 1
    if skipped or not found:
        reason = str(skipped[0]["skip_reason"]) if skipped else "no package was listed"
        return _unknown(f"{len(skipped)} of {len(found)} packages could not be looked up, the first: {reason[:200]}")
    print(f"{len(found)} packages, no known vulnerability")
    return 0


def _unknown(why: str) -> int:
    print(f"NOT AUDITED: {why}", file=sys.stderr)
    print("Nothing is known about these packages' safety: run it where https://pypi.org is reached.", file=sys.stderr)
    return 3


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
