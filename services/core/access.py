"""Who calls, and what they may."""

from dataclasses import dataclass
from enum import IntEnum


class Scope(IntEnum):
    """What a caller holds; a greater one includes the lesser. The numbers are those of `vidx.access.v1.Scope`."""

    READ = 1
    WRITE = 2
    ADMIN = 3


@dataclass(frozen=True)
class Caller:
    """One who calls the public API: a name for the records, a scope, and the collections that it is for (None: all)."""

    name: str
    scope: Scope
    collections: frozenset[str] | None

    def holds(self, collection: str) -> bool:
        return self.collections is None or collection in self.collections


LOCAL = Caller("local", Scope.ADMIN, None)
"""Whoever reaches a gateway that asks for no key."""
