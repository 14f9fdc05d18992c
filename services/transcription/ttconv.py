"""TTML files with ttconv; XML is read by defusedxml, which takes no document types and so no entities."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element, ElementTree, ParseError
from xml.parsers import expat

import ttconv.imsc.reader
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from ttconv import model

from services.core.errors import InvalidInput
from services.core.times import from_seconds
from services.transcription.domain.subtitles import Entry, SubtitleFile, check_count, wrong_line

_OLD = re.compile(r"http://www\.w3\.org/2006/(?:04|10)/ttaf1")
"""Namespaces of drafts, which files still carry."""
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_ZERO = re.compile(r"^[0:.]+(h|m|s|ms|f|t)?$")
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ENDLESS_S = 3_600_000
DEEPEST = 100
"""Elements within elements."""

# The reader logs what it passes over, such as styles; what matters here is checked below.
logging.getLogger("ttconv").setLevel(logging.CRITICAL)


def read(text: str) -> SubtitleFile:
    """The entries of a TTML file. Raises InvalidInput naming the line at fault."""
    # The text is decoded already, whatever its declaration says; its lines are kept for the count.
    text = _OLD.sub("http://www.w3.org/ns/ttml", _DECLARATION.sub(lambda m: "\n" * m[0].count("\n"), text))
    try:
        root = fromstring(text, forbid_dtd=True)
        places = _places(text)
        check_count(len(places))
        language = _prepare(root)
        document = ttconv.imsc.reader.to_model(ElementTree(root))
    except ParseError as error:
        raise wrong_line(error.position[0], f"not well-formed XML ({error.msg})") from error
    except DefusedXmlException as error:
        line = text.count("\n", 0, max(0, text.find("<!"))) + 1
        raise wrong_line(line, "document types and entities are not read: remove them") from error
    except (ValueError, TypeError, ArithmeticError, RecursionError, AttributeError) as error:
        raise InvalidInput(f"not a TTML file that can be read: {error}", fields={"content": "TTML"}) from error
    if document is None:
        raise InvalidInput("not a TTML file: no <tt> of the TTML namespace", fields={"content": "wanted TTML"})
    body = document.get_body()
    said = {
        p.get_lang(): (p, start, end) for p, start, end in (_said(body, Fraction(0), None) if body is not None else ())
    }
    entries = []
    for number, place in enumerate(places):
        if (found := said.get(_number(number))) is not None:
            entries.append(_entry(*found, place))
        elif not place.empty:
            raise wrong_line(place.line, "the <p> cannot be read, or lies where none may")
    return SubtitleFile(entries, language)


def _prepare(root: Element) -> str:
    """Number the paragraphs, and give timed containers an end; returns the document's language.

    The number takes the place of a paragraph's language, the only name of its own that ttconv hands on: it leaves out
    paragraphs that are never shown or that it cannot read, and those must be known from each other. And ttconv takes a
    container's own end from its children's without adding its own begin to theirs, and drops it with all that it holds
    when that gives nothing.
    """
    number = 0
    languages = [element.get(_LANG, "") for element in root.iter()]
    sequential = any(element.get("timeContainer") == "seq" for element in root.iter())
    for element in root.iter():
        name = element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""
        if name == "p":
            element.set(_LANG, _number(number))
            number += 1
        elif name in ("body", "div") and not sequential:
            stated = set(element.keys())
            if "begin" in stated and not stated & {"end", "dur"}:
                element.set("dur", f"{_ENDLESS_S}s")
    return next((language for language in languages if language), "")


def _number(number: int) -> str:
    return f"x-p{number}"


def _said(
    element: model.ContentElement, begin: Fraction, end: Fraction | None
) -> Iterator[tuple[model.P, Fraction, Fraction | None]]:
    """Paragraphs with the times that they and what holds them set, from the start of the document."""
    own = element.get_begin()
    start = begin + (own or 0)
    until = element.get_end()
    until = None if until is not None and until >= _ENDLESS_S else until
    stop = end if until is None else begin + until if end is None else min(end, begin + until)
    if isinstance(element, model.P):
        yield element, start, stop
        return
    for child in element:
        yield from _said(child, start, stop)


def _entry(p: model.P, start: Fraction, end: Fraction | None, place: "_Place") -> Entry:
    # Times that cannot be read are logged and left out by the reader; so is a begin of zero.
    for name, value in (("begin", p.get_begin()), ("end", p.get_end())):
        if name in place.timed and value is None:
            raise wrong_line(place.line, f"the {name} of <p> is not a time")
    if end is None:
        ends = [start + e for e in (span.get_end() for span in p.dfs_iterator() if span is not p) if e is not None]
        if not ends:
            raise wrong_line(place.line, "<p> has no end: give it one, or a duration")
        end = max(ends)
    return Entry(place.line, from_seconds(start), from_seconds(end), _text(p))


def _text(p: model.P) -> str:
    parts = []
    for element in p.dfs_iterator():
        if isinstance(element, model.Text):
            # White space is collapsed, as the format's default has it.
            parts.append(re.sub(r"\s+", " ", element.get_text()))
        elif isinstance(element, model.Br):
            parts.append("\n")
    return "".join(parts)


@dataclass(frozen=True)
class _Place:
    """Where a paragraph stands, which times it states, and whether they say that it is never shown."""

    line: int
    timed: frozenset[str]
    empty: bool


def _places(text: str) -> list[_Place]:
    """Places of the <p> elements in order. Raises InvalidInput where elements lie too deep."""
    found: list[_Place] = []
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise wrong_line(parser.CurrentLineNumber, f"more than {DEEPEST} elements within each other")
        if name.rsplit(":", 1)[-1] == "p":
            begin = "begin" in attributes and not _ZERO.match(attributes["begin"])
            timed = ({"begin"} if begin else set()) | ({"end"} if {"end", "dur"} & attributes.keys() else set())
            empty = attributes.get("begin", "") == attributes.get("end") or bool(_ZERO.match(attributes.get("dur", "")))
            found.append(_Place(parser.CurrentLineNumber, frozenset(timed), empty))

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(text, True)
    return found
