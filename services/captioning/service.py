"""The stage's use cases, each with the parts that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.captioning.assemble import Assembling
from services.captioning.describe import Describing
from services.captioning.onscreen import OnScreen
from services.captioning.ports import Brought
from services.core.text import Caption, TextLine


@dataclass(frozen=True)
class Captioning:
    """What is seen, put into words; the doors of the service are opened on this."""

    text: OnScreen
    describing: Describing
    assembling: Assembling
    brought: Brought

    def caption(self, images: Sequence[bytes]) -> Caption | None:
        """A caption of pictures of one shot, or None when nothing can be said."""
        return self.describing.caption(images, self.brought.made_anew)

    def read_text(self, image: bytes) -> tuple[TextLine, ...]:
        """The text of a picture, from top to bottom."""
        return self.text.read(self.brought.pixels(image))
