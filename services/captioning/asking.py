"""Asks a captioner for many shots, without waiting for hours for one that does not answer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.captioning.ports import Candidate, Captioner, View
from services.core.errors import Exhausted, InvalidInput, TimedOut, Unavailable, VidxError

BREAK_AFTER = 3
"""Failures in a row after which a captioner is not asked any more."""


@dataclass
class Asking:
    """One segment's questions: at most `budget_s` seconds of asking, and an end after too many failures in a row."""

    captioner: Captioner
    budget_s: float
    clock: Callable[[], float] = time.monotonic
    errors: list[VidxError] = field(default_factory=list)
    """Why shots have no answer, in order."""
    answered: int = 0
    _spent: float = 0.0
    _row: int = 0

    def captions(self, view: View) -> Sequence[Candidate] | None:
        """Captions to choose from; None when there is no answer. Raises what no further question can mend."""
        if self._row >= BREAK_AFTER:
            self.errors.append(self.errors[-1])
            return None
        if self._spent >= self.budget_s:
            spent = f"the {self.budget_s:.0f} s for captions of this segment are used up"
            self.errors.append(Exhausted(f"{spent}: raise VIDX_CAPTIONING_CHAT_BUDGET_S and retry"))
            return None
        began = self.clock()
        try:
            found = self.captioner.captions(view)
        except InvalidInput as error:
            # This shot is refused; the captioner is well.
            self._row = 0
            self.errors.append(error)
            return None
        except (Unavailable, Exhausted) as error:
            self._row += 1
            self.errors.append(error)
            return None
        finally:
            self._spent += self.clock() - began
        self._row = 0
        self.answered += 1
        return found

    def check(self) -> None:
        """Raise the last failure when nothing was answered and a later attempt may be: then all is still to be done."""
        failures = [error for error in self.errors if error.retryable]
        if failures and not self.answered:
            raise failures[-1] if isinstance(failures[-1], Unavailable | TimedOut) else Unavailable(str(failures[-1]))
