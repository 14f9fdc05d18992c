"""Asks a language model many questions, without waiting for hours for one that does not answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from services.chaptering.ports import Writer
from services.core.errors import Exhausted, VidxError
from services.core.jobs import Fault

T = TypeVar("T")


class Asking:
    """One unit of work's questions to a writer: at most `budget_s` seconds of them, and none after one has failed."""

    def __init__(
        self,
        writer: Writer,
        budget_s: float,
        setting: str = "VIDX_CHAPTERING_CHAT_BUDGET_S",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.writer = writer
        self._setting = setting
        self.fault: Fault | None = None
        """Why questions have no answer."""
        self._budget_s = budget_s
        self._clock = clock
        self._spent = 0.0
        self._since: float | None = None

    def ask(self, questions: Callable[[], T]) -> T | None:
        """What the questions give; None when one has no answer, now or before."""
        if self.fault is not None:
            return None
        self._since = self._clock()
        try:
            self.check()
            return questions()
        except VidxError as error:
            self.fault = Fault(error.reason, error.message)
            return None
        finally:
            self._spent += self._clock() - self._since
            self._since = None

    def check(self) -> None:
        """Raise Exhausted when no time is left; for the questions, before each."""
        spent = self._spent + (self._clock() - self._since if self._since is not None else 0.0)
        if spent >= self._budget_s:
            why = f"the {self._budget_s:g} s for asking the language model are used up"
            raise Exhausted(f"{why}: raise {self._setting} and retry")


@dataclass(frozen=True)
class Writing:
    """A language model, and for how many seconds it may be asked: for a step, and for a call that somebody awaits."""

    writer: Writer
    step_s: float = 1800.0
    call_s: float = 60.0

    def step(self) -> Asking:
        return Asking(self.writer, self.step_s)

    def call(self, left: float | None = None) -> Asking:
        """`left` are the seconds that the caller gives, None for no bound."""
        if left is not None and left < self.call_s:
            return Asking(self.writer, left, "the deadline of the call")
        return Asking(self.writer, self.call_s, "VIDX_CHAPTERING_CHAT_CALL_S")
