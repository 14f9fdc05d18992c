"""Questions to a language model end with the first that fails, and with the time."""

import pytest

from services.chaptering.asking import Asking, Writing
from services.core.errors import Denied, Exhausted, VidxError
from tests.fakes.chaptering import FakeWriter


class Clock:
    """Time that stands still but for `pass_`."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> str:
        self.now += seconds
        return "done"


def test_answers_come_through_until_one_fails() -> None:
    asking, asked = Asking(FakeWriter(), 10), []

    def fail() -> str:
        raise Denied("set a key")

    assert asking.ask(lambda: "yes") == "yes"
    assert asking.fault is None
    assert asking.ask(fail) is None
    assert asking.ask(lambda: asked.append(1)) is None
    assert not asked
    assert asking.fault is not None
    assert (asking.fault.reason, asking.fault.message) == ("DENIED", "set a key")


def test_time_used_up_ends_questions_and_names_the_setting() -> None:
    clock = Clock()
    asking = Asking(FakeWriter(), 10, "VIDX_SOME_S", clock)
    assert asking.ask(lambda: clock.pass_(6)) == "done"
    clock.pass_(100)
    assert asking.ask(lambda: clock.pass_(6)) == "done"
    assert asking.ask(lambda: "more") is None
    assert asking.fault is not None
    assert asking.fault.reason == "EXHAUSTED"
    assert "VIDX_SOME_S" in asking.fault.message


def test_time_is_checked_between_questions_of_one_work() -> None:
    clock = Clock()
    asking = Asking(FakeWriter(), 10, clock=clock)

    def work() -> None:
        clock.pass_(9)
        asking.check()
        clock.pass_(2)
        with pytest.raises(Exhausted):
            asking.check()
        raise Exhausted("over")

    assert asking.ask(work) is None
    assert asking.fault is not None


def test_other_faults_are_not_hidden() -> None:
    def broken() -> None:
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError):
        Asking(FakeWriter(), 10).ask(broken)
    assert not issubclass(RuntimeError, VidxError)


def test_steps_and_calls_have_budgets_of_their_own() -> None:
    writing = Writing(FakeWriter(), step_s=0.0, call_s=5.0)
    step, call = writing.step(), writing.call()
    assert step.ask(lambda: 1) is None
    assert "VIDX_CHAPTERING_CHAT_BUDGET_S" in (step.fault.message if step.fault else "")
    assert call.ask(lambda: 1) == 1


@pytest.mark.parametrize(
    ("call_s", "left", "advice"),
    [(5.0, 0.0, "raise the deadline of the call"), (0.0, 9.0, "CHAT_CALL_S"), (0.0, None, "CHAT_CALL_S")],
)
def test_a_call_asks_no_longer_than_its_caller_waits(call_s: float, left: float | None, advice: str) -> None:
    asking = Writing(FakeWriter(), call_s=call_s).call(left)
    assert asking.ask(lambda: 1) is None
    assert asking.fault is not None
    assert advice in asking.fault.message
