"""SubRip, ASS and SSA files with pysubs2."""

import html
import io
import re
from collections.abc import Iterable

import pysubs2
from pysubs2.formats.subrip import SubripFormat
from pysubs2.formats.substation import SubstationFormat

from services.core.times import MILLISECOND
from services.transcription.domain.subtitles import Entry, SubtitleFile, check_count, wrong_line

_CLOCK = r"\d{1,2}:[0-5]?\d:[0-5]?\d[.,]\d{1,3}"
_TIMES = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(\s.*)?")
_SPACES = re.compile(r"[ \t]*\\h[ \t]*")
_BLANK = re.compile(r"\n{3,}")
_OPEN = {"<": "\ue03c", "{": "\ue07b"}
"""Stand for marks that nothing closes: the library looks for their end from each of them, which takes for ever."""
_OPENED = {ord(stand): mark for mark, stand in _OPEN.items()}


def read_subrip(text: str) -> SubtitleFile:
    """The entries of a SubRip file. Raises InvalidInput naming the line whose times cannot be read."""
    lines = text.split("\n")
    check_count(sum("-->" in line for line in lines))
    for number, line in enumerate(lines, 1):
        if "-->" in line and not _TIMES.fullmatch(line):
            raise wrong_line(number, f"{line.strip()[:60]!r} is not hh:mm:ss,mmm --> hh:mm:ss,mmm")
    # The reader begins a cue at each line with two times; so are its lines found again.
    places = [i for i, line in enumerate(lines, 1) if len(SubripFormat.TIMESTAMP.findall(line)) == 2]
    if not places:
        raise wrong_line(1, "no cue follows: wanted lines such as 00:00:01,000 --> 00:00:02,000")
    found = pysubs2.SSAFile.from_string(_quick(lines), format_="srt")
    return SubtitleFile(_entries(found.events, places, unescape=True))


def read_ass(text: str) -> SubtitleFile:
    """The entries of an ASS or SSA file without comments and drawings. Raises InvalidInput naming the wrong line."""
    version = SubstationFormat.guess_format(text) or "ass"
    lines = text.split("\n")
    places = [i for i, line in enumerate(lines, 1) if line.strip().startswith(("Dialogue:", "Comment:"))]
    check_count(len(places))
    if not places:
        raise wrong_line(1, "no cue follows: wanted lines that begin with Dialogue:")
    for number in places:
        if lines[number - 1].count(",") < 9:
            raise wrong_line(number, "fewer fields than a line of dialogue has (10)")
    source = _Counted("\n".join(_closed(line, "{", "}") for line in lines))
    found = pysubs2.SSAFile()
    try:
        SubstationFormat.from_file(found, source, version)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise wrong_line(source.count, f"{error} in {lines[source.count - 1].strip()[:60]!r}") from error
    shown = [
        (event, line)
        for event, line in zip(found.events, places, strict=True)
        if not event.is_comment and not event.is_drawing
    ]
    title = found.info.get("Title", "")
    return SubtitleFile(
        _distinct(_entries([event for event, _ in shown], [line for _, line in shown])),
        title="" if title.startswith(("Default", "<")) else title[:200],
    )


def _entries(events: Iterable[pysubs2.SSAEvent], lines: Iterable[int], unescape: bool = False) -> list[Entry]:
    found = []
    for event, line in zip(events, lines, strict=True):
        event.text = _SPACES.sub(" ", event.text)
        text = event.plaintext.translate(_OPENED)
        text = html.unescape(text) if unescape else text
        found.append(Entry(line, event.start * MILLISECOND, event.end * MILLISECOND, text))
    return found


def _quick(lines: Iterable[str]) -> str:
    """A SubRip file's text without what makes the library slow: open marks and long runs of empty lines."""
    parts: list[str] = []
    body: list[str] = []
    for line in [*lines, "-->"]:
        if "-->" in line:
            text = _closed(_closed(_BLANK.sub("\n\n", "\n".join(body)), "<", ">"), "{", "}")
            parts += [text, line]
            body = []
        else:
            body.append(line)
    return "\n".join(parts[:-1])


def _closed(text: str, begin: str, end: str) -> str:
    """The text with what stands for an opening mark wherever no closing one follows."""
    place = text.rfind(end) + 1
    return text[:place] + text[place:].replace(begin, _OPEN[begin])


def _distinct(entries: Iterable[Entry]) -> list[Entry]:
    """Without the same text at the same time again: layers of one line, such as its shadow."""
    return list({(entry.start, entry.end, entry.text): entry for entry in reversed(list(entries))}.values())[::-1]


class _Counted(io.StringIO):
    """Lines of a text, and how many were taken."""

    count = 0

    def __next__(self) -> str:  # type: ignore[override]
        line = super().__next__()
        self.count += 1
        return line
