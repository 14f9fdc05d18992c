"""What is said of a new video, and its rules."""

import re
from dataclasses import dataclass, field

from services.core.errors import InvalidInput
from services.core.names import check_labels
from services.gateway.videos import clean_title

SUBTITLE_SUFFIXES = (".srt", ".vtt", ".ttml", ".ass", ".ssa")
MAX_SUBTITLE_BYTES = 8 << 20
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True)
class Spec:
    """What is said of a new video. `subtitles`: file name and content."""

    title: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    allow_duplicate: bool = False
    file_name: str = ""
    subtitles: tuple[str, bytes] | None = None

    def checked(self) -> "Spec":
        """The same, fit to be stored. Raises InvalidInput."""
        title = clean_title(self.title) or clean_title(_base(self.file_name)) or "untitled"
        labels = check_labels(self.labels, "spec.labels")
        subtitles = checked_subtitles(*self.subtitles, "spec.subtitles") if self.subtitles is not None else None
        return Spec(title, labels, self.allow_duplicate, "", subtitles)


def check_request_id(request_id: str) -> None:
    """Raises InvalidInput unless it has 1 to 128 printable ASCII characters without spaces."""
    if not _REQUEST_ID.fullmatch(request_id):
        rule = "1 to 128 printable ASCII characters without spaces"
        raise InvalidInput(f"request_id: {rule}", fields={"request_id": rule})


def checked_subtitles(file_name: str, content: bytes, field: str) -> tuple[str, bytes]:
    """Name and content of a subtitle file, fit to be read and stored. Raises InvalidInput, which names the field."""
    shown = clean_title(_base(file_name))[-255:]
    if not shown.lower().endswith(SUBTITLE_SUFFIXES):
        rule = f"names of subtitle files end in {', '.join(SUBTITLE_SUFFIXES)}"
        raise InvalidInput(f"subtitle file {shown[:80]!r}: {rule}", fields={f"{field}.file_name": rule})
    if not 0 < len(content) <= MAX_SUBTITLE_BYTES:
        rule = f"1 to {MAX_SUBTITLE_BYTES} bytes"
        raise InvalidInput(
            f"subtitle file {shown!r} has {len(content)} bytes: {rule}", fields={f"{field}.content": rule}
        )
    return shown, content


def _base(file_name: str) -> str:
    """The last part of a path of any system, short enough for a title."""
    return file_name.replace("\\", "/").rsplit("/", 1)[-1][:400]
