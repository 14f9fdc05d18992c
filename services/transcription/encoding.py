"""Bytes of a text file in any encoding, with charset-normalizer."""

import codecs
import re
from collections.abc import Iterable

from charset_normalizer import from_bytes

from services.core.errors import InvalidInput
from services.transcription.domain.subtitles import wrong_line

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257", "cp1258", "iso8859_2", "iso8859_15")
_CANDIDATES = [
    *_LATIN,
    *("cp1251", "cp1253", "cp1255", "cp1256", "cp874", "iso8859_5", "iso8859_7", "koi8_r", "koi8_u"),
    *("gb18030", "big5", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949"),
]
"""What subtitle files are written in. Left out: encodings of mainframes and early personal computers."""
_XML = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


def text_of(content: bytes) -> str:
    """The text, with line feeds alone ending lines. Raises InvalidInput when it is none, naming the line."""
    if not content.strip():
        raise InvalidInput("the file is empty", fields={"content": "is empty"})
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n")
    if (at := text.find("\0")) >= 0:
        raise wrong_line(text.count("\n", 0, at) + 1, "holds a NUL byte: this is no text file")
    return text


def _decoded(content: bytes) -> str:
    for bom, name in _BOMS:
        if content.startswith(bom):
            return _strict(content[len(bom) :], name)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(content)
    # Latin text in UTF-16 without a mark is legal UTF-8 with a NUL beside each letter.
    return _guessed(content) if content[:4096].count(0) * 4 > len(content[:4096]) else text


def _strict(content: bytes, name: str) -> str:
    try:
        return content.decode(name)
    except (UnicodeDecodeError, LookupError) as error:
        line = content.count(b"\n", 0, getattr(error, "start", 0)) + 1
        raise wrong_line(line, f"not text in {name}, which the file says it is in") from error


def _guessed(content: bytes) -> str:
    for even in (0, 1):
        zeros = content[even:4096:2].count(0)
        if zeros * 4 > len(content[:4096]):
            return _strict(content, "utf-16-be" if even == 0 else "utf-16-le")
    if declared := _XML.match(content):
        return _strict(content, declared[1].decode())
    matches = from_bytes(content, cp_isolation=_CANDIDATES)
    best = matches.best()
    if best is not None and best.encoding in _LATIN:
        # They differ in few letters, and the detector prefers any in which none is rare to that which reads as a
        # language; short files then turn Baltic. The more common encoding comes first among equals.
        latin = [match for match in matches if match.encoding in _LATIN]
        best = min(latin, key=lambda m: (-m.coherence, _rank(m.could_be_from_charset)))
    if best is None:
        raise InvalidInput(
            "the file's encoding is not known: save it as UTF-8", fields={"content": "wanted text, best in UTF-8"}
        )
    return str(best)


def _rank(encodings: Iterable[str]) -> int:
    """The first place of any of them among the candidates; all of them read the same."""
    return min((_CANDIDATES.index(name) for name in encodings if name in _CANDIDATES), default=len(_CANDIDATES))
