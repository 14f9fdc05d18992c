"""What the gateway needs from outside."""

from typing import Protocol


class Urls(Protocol):
    """Addresses of objects, for a while."""

    def read(self, key: str, seconds: int, media_type: str) -> str:
        """Where to GET an object, told as of this media type."""

    def write(self, key: str, seconds: int) -> str:
        """Where to PUT an object."""
