"""How long an answer is of use."""

import pytest

from services.core.deadlines import Deadline
from services.core.errors import TimedOut


def test_what_is_left_is_never_more_than_was_given_and_at_the_end_an_error() -> None:
    assert 0 < Deadline.after(60).left() <= 60
    with pytest.raises(TimedOut):
        Deadline.after(-1).left()
