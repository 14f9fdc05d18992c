"""What a child process answers is data; a pickle that names anything else is refused before it is read."""

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.core.access import Scope
from services.core.errors import BadMedia, VidxError, all_errors
from services.core.text import Track
from services.core.times import TimeRange
from services.runtime import answers
from services.runtime.sandbox import Sandbox


class Calling:
    """Pickled as a call of a function."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._call = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call


@dataclass
class Elsewhere:
    """A class that is not the platform's."""

    number: int


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize(
    "value",
    [
        None,
        ["word", b"bytes", 1.5, {"a": (1, 2)}, {3}, frozenset({4}), bytearray(b"5")],
        TimeRange(0, 5),
        [Scope(1), *Track],
        Path("/films/a.mp4"),
        Fraction(30_000, 1001),
        np.float32(0.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_data_is_read_as_it_was_written(value: Any, protocol: int) -> None:
    assert answers.read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int64, "U4"])
def test_arrays_are_read_as_they_were_written(kind: Any, protocol: int) -> None:
    written = np.arange(6).reshape(2, 3).astype(kind)
    read = answers.read(pickle.dumps(written, protocol))
    assert read.dtype == written.dtype
    np.testing.assert_array_equal(read, written)


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_the_platforms_errors_are_read_with_their_fields(kind: type[VidxError]) -> None:
    error = kind("words", fields={"name": "wrong"})
    assert answers.may_return(error)
    read = answers.read(pickle.dumps(error))
    assert (type(read), read.message, read.fields) == (kind, "words", {"name": "wrong"})


@pytest.mark.parametrize("function", [os.system, eval, exec, getattr, __import__, open, np.load, np.save, pickle.loads])
def test_no_function_is_named(function: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(answers.Refused, match="names"):
        answers.read(pickle.dumps(function))
    with pytest.raises(answers.Refused):
        answers.read(pickle.dumps(Calling(function, str(tmp_path / "file"))))


@pytest.mark.parametrize("named", [Path.unlink, Sandbox, Sandbox.run, Elsewhere, BadMedia.__str__, type, object])
def test_no_class_with_a_life_of_its_own_and_no_method_is_named(named: Any) -> None:
    with pytest.raises(answers.Refused):
        answers.read(pickle.dumps(named))


def test_no_module_is_imported_for_an_answer() -> None:
    with pytest.raises(answers.Refused):
        answers.read(b"\x80\x04c" + b"services.cli.demo\nAnything\n.")


def test_what_a_module_has_imported_is_not_named_through_it() -> None:
    with pytest.raises(answers.Refused):
        answers.read(b"\x80\x04c" + b"services.runtime.sandbox\nProcessPool\n.")
    with pytest.raises(answers.Refused):
        answers.read(b"\x80\x04c" + b"services.runtime.answers\nos\n.")


def test_errors_of_libraries_do_not_come_back_as_they_are() -> None:
    assert answers.may_return(ValueError("x"))
    assert answers.may_return(OSError(2, "x"))
    assert not answers.may_return(pickle.PicklingError("x"))
    assert not answers.may_return(np.linalg.LinAlgError("x"))


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_no_answer_ends_the_service(error: type[BaseException]) -> None:
    assert not answers.may_return(error())
    with pytest.raises(answers.Refused):
        answers.read(pickle.dumps(error()))
