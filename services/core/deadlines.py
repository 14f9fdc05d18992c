"""Until when an answer is of use to whoever waits for it."""

import time
from dataclasses import dataclass

from services.core.errors import TimedOut


@dataclass(frozen=True)
class Deadline:
    """A moment of this process's own clock."""

    at: float
    """`time.monotonic()`."""

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds, more than 0. Raises TimedOut when none is left."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimedOut("there was no time left for the answer: ask with a longer deadline, or again later")
        return left
