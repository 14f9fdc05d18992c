"""Which tests run side by side when several processes run them (pytest-xdist)."""

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling

KINDS = ("e2e", "integration", "contract", "rpc", "unit")
"""Folders of tests, those with the longest first: when they end, many short ones are left to fill the gaps."""
OWN_PLATFORM = frozenset(
    f"test_{name}" for name in ("access", "chapters_chat", "chat", "cli_platform", "cluster", "faults", "memory", "s3")
)
"""Files of end-to-end tests that do not use the shared platform."""


def rank(file: str) -> int:
    """Place of a test file's kind in the order in which they begin; `file` is relative to the repository."""
    parts = PurePath(file).parts
    return KINDS.index(parts[1]) if len(parts) > 2 and parts[1] in KINDS else len(KINDS)


def group(file: str) -> str:
    """Tests of a group run in one process, one after the other: those of a file, or all of the shared platform."""
    path = PurePath(file)
    return "platform" if path.parts[1:2] == ("e2e",) and path.stem not in OWN_PLATFORM else file


class Groups(LoadScopeScheduling):
    """Gives each process a group at a time, in the order in which they were collected.

    The groups that pytest-xdist reads off marks are lost with pytest 9.2, where a test's id cannot be changed.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid.partition("::")[0])
