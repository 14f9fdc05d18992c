"""Subtitle files of every format: which reader takes which file."""

import re

from services.core.errors import InvalidInput
from services.transcription import pysubs2, ttconv, webvtt
from services.transcription.domain.subtitles import SubtitleFile
from services.transcription.encoding import text_of

_BY_ENDING = {
    "srt": pysubs2.read_subrip,
    "vtt": webvtt.read,
    "ass": pysubs2.read_ass,
    "ssa": pysubs2.read_ass,
    **dict.fromkeys(("ttml", "dfxp", "xml", "itt"), ttconv.read),
}
FORMATS = "SubRip, WebVTT, TTML, ASS or SSA"
_TTML = re.compile(r"^\s*(<\?xml|<!--|<!DOCTYPE|<tt[\s:>]|<[A-Za-z]+:tt[\s>])")


class SubtitleReaders:
    """Implements `ports.SubtitleReader`."""

    def read(self, content: bytes, name: str) -> SubtitleFile:
        text = text_of(content)
        if text.startswith("WEBVTT"):
            return webvtt.read(text)
        if _TTML.match(text):
            return ttconv.read(text)
        if re.search(r"^[^\S\n]*\[(Script Info|V4\+? Styles|Events)\]", text, re.IGNORECASE | re.MULTILINE):
            return pysubs2.read_ass(text)
        if "-->" in text:
            return pysubs2.read_subrip(text)
        reader = _BY_ENDING.get(name.rsplit(".", 1)[-1].lower())
        if reader is None:
            raise InvalidInput(f"not a subtitle file that is read here: use {FORMATS}", fields={"content": FORMATS})
        return reader(text)
