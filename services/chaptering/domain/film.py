"""What an editing system wants to know of the film besides its chapters."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Film:
    """`rate` is frames a second, above 0, for formats that count frames; `address` is where it can be played from."""

    title: str = ""
    rate: Fraction = Fraction(25)
    address: str = ""
