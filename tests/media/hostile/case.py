"""What a hostile file is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A file: what is wrong with it, the name that it is uploaded under, and its bytes."""

    what: str
    name: str
    data: bytes

    def __str__(self) -> str:
        return self.what
