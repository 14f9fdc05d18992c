"""Files of chapters, read in a child process: parsers of four formats and a stranger's bytes."""

from collections.abc import Sequence

from services.chaptering import formats
from services.chaptering.domain.film import Film
from services.chaptering.ports import File
from services.core.chapters import Chapter
from services.runtime.sandbox import Sandbox

READ_S = 30.0
READING_BYTES = 1 << 30
"""Address space of the process that reads them."""


class SandboxedFormats:
    """Implements `ports.Formats`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def write(self, format_: str, chapters: Sequence[Chapter], film: Film) -> File:
        return formats.write(format_, chapters, film)

    def read(self, format_: str, content: bytes, duration: int) -> tuple[Chapter, ...]:
        # What would not be read need not be sent.
        formats.check(format_, content)
        return self._sandbox.run(formats.read, format_, content, duration, timeout_s=READ_S)
