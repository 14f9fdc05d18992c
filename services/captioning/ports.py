"""What captioning needs from outside, beside `core.store`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from services.captioning.domain.agreement import Meaning
from services.captioning.domain.looks import Grey
from services.core.text import Box, TextLine
from services.core.vectors import FrameClasses

U8 = npt.NDArray[np.uint8]


class Picture(Protocol):
    """An opened picture."""

    def grey(self, width: int, height: int) -> Grey:
        """uint8[height, width] of luma, scaled to just this size."""

    def pixels(self) -> U8:
        """uint8[h, w, 3] RGB."""


class Pictures(Protocol):
    """Opens files of pictures."""

    def open(self, data: bytes) -> Picture:
        """A JPEG or PNG. Raises InvalidInput when it is no such picture, MediaLimit when it has too many pixels."""


class Brought(Protocol):
    """Opens pictures that callers bring: a stranger's bytes. Raises what `Pictures` does, TimedOut, WorkerLost."""

    def pixels(self, data: bytes) -> U8:
        """uint8[h, w, 3] RGB of a JPEG or PNG."""

    def made_anew(self, data: bytes) -> bytes:
        """A JPEG of the same picture, and of nothing else that the file holds; made smaller when it is very large."""


class TextReader(Protocol):
    """Reads text in pictures. Any number of threads may call."""

    @property
    def version(self) -> str:
        """Changes with everything that shapes what is read."""

    def glance(self, picture: U8) -> tuple[Box, ...]:
        """Where text may be, found quickly and roughly."""

    def read(self, picture: U8, places: Sequence[Box] = ()) -> tuple[TextLine, ...]:
        """All text, however doubtful, in no order. With `places` of a glance: none when none of those is legible."""


@dataclass(frozen=True)
class View:
    """What a captioner is shown of a shot."""

    pictures: tuple[bytes, ...] = ()
    """JPEGs or PNGs in order of time, as many as it asks for at most."""
    classes: FrameClasses | None = None
    """The likeliest classes of all its sampled frames, when known."""
    weights: tuple[float, ...] = ()
    """How much each row of `classes` counts."""


@dataclass(frozen=True)
class Candidate:
    """A caption that a captioner offers. `confidence` in [0, 1]; None when it does not say."""

    brief: str
    detailed: str = ""
    confidence: float | None = None


class Captioner(Protocol):
    """Says what a shot shows. Any number of threads may call."""

    @property
    def model(self) -> str:
        """Names it in captions."""

    @property
    def version(self) -> str:
        """Changes with everything that shapes what it says."""

    @property
    def pictures(self) -> int:
        """Pictures that it looks at of one shot, at most; 0 when it goes by the classes alone."""

    def captions(self, view: View) -> Sequence[Candidate]:
        """Captions to choose from; none when there is nothing to say.

        Raises InvalidInput when it refuses this shot; Unavailable, TimedOut or Exhausted when it did not answer, or
        with something that is no caption; Denied or NotFound when it will never answer.
        """


class TextEncoder(Protocol):
    """Places texts in the joint space of texts and pictures."""

    def meanings(self, texts: Sequence[str]) -> tuple[str, Mapping[str, Meaning]]:
        """The space's name, and the meaning of each text. Raises Unavailable, TimedOut."""
