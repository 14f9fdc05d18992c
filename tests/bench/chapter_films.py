"""Films whose chapters are known: read from a folder, or made up of the standard library's documentation."""

import importlib
import inspect
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from services.core.times import TimeRange, from_seconds
from services.transcription.sentencex import SentencexSplitter

WORDS_A_SECOND = 2.5
TALK_S = (120.0, 300.0)
CHAPTERS = (6, 10)
MODULES = (
    "argparse", "ast", "asyncio", "calendar", "cmd", "codecs", "concurrent.futures", "configparser", "ctypes", "csv",
    "datetime", "decimal", "difflib", "dis", "doctest", "email.message", "enum", "filecmp", "fractions", "ftplib",
    "functools", "gettext", "http.cookiejar", "imaplib", "inspect", "ipaddress", "itertools", "locale", "logging",
    "mailbox", "math", "multiprocessing.pool", "optparse", "os", "pathlib", "pdb", "pickletools", "poplib", "pprint",
    "profile", "random", "sched", "selectors", "shutil", "smtplib", "socket", "ssl", "statistics", "string",
    "subprocess", "tarfile", "tempfile", "textwrap", "threading", "tokenize", "tracemalloc", "turtle",
    "unittest.case", "urllib.request", "uuid", "weakref", "xml.dom.minidom", "zipfile",
)  # fmt: skip
"""Unrelated ones, with much to say."""


@dataclass(frozen=True)
class TrueChapter:
    """`marked` are the sentences that sum it up, where somebody marked any."""

    range: TimeRange
    title: str = ""
    marked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TrueFilm:
    """What is said, a sentence each, and the chapters, which cover it; in order of time."""

    name: str
    said: tuple[tuple[TimeRange, str], ...]
    chapters: tuple[TrueChapter, ...]


def read(folder: Path) -> list[TrueFilm]:
    """The films of a folder: a JSON file each, {"speech": [{"start", "end", "text"}], "chapters": [{"start", "end",
    "title", "summary": [sentence]}]} with seconds; titles and summaries may be missing. Other JSON files are passed
    over."""
    found = []
    for path in sorted(folder.glob("*.json")):
        film = json.loads(path.read_text("utf-8"))
        if not isinstance(film, dict) or not film.get("speech") or not film.get("chapters"):
            continue
        said = tuple((_range(s), str(s["text"])) for s in film["speech"])
        chapters = tuple(
            TrueChapter(_range(c), str(c.get("title", "")), frozenset(map(str, c.get("summary", []))))
            for c in film["chapters"]
        )
        found.append(TrueFilm(path.name.removesuffix(".json"), said, chapters))
    return found


def made_up(films: int, seed: int = 1) -> list[TrueFilm]:
    """Talks of 6 to 10 parts, each of which reads a module's documentation aloud for 2 to 5 minutes; a module is heard
    once in all films. Which sentences there are depends on the version of Python."""
    rng = random.Random(seed)
    parts = [part for part in (_part(name, rng) for name in MODULES) if part]
    rng.shuffle(parts)
    found = []
    for number in range(films):
        take = rng.randint(*CHAPTERS)
        chosen, parts = parts[:take], parts[take:]
        if len(chosen) < CHAPTERS[0]:
            break
        said: list[tuple[TimeRange, str]] = []
        chapters, at = [], 0
        for title, sentences in chosen:
            start = at
            for sentence in sentences:
                end = at + from_seconds(_seconds(sentence))
                said.append((TimeRange(at, end), sentence))
                at = end
            chapters.append(TrueChapter(TimeRange(start, at), title))
        found.append(TrueFilm(f"made-up-{number}", tuple(said), tuple(chapters)))
    return found


def _part(name: str, rng: random.Random) -> tuple[str, list[str]] | None:
    """The first line of a module's documentation, and sentences of the rest; None when there are too few."""
    module = importlib.import_module(name)
    texts = [text for text in _documentation(module) if text]
    title = texts[0].strip().splitlines()[0].strip(" .") if texts else ""
    wanted, took, found = rng.uniform(*TALK_S), 0.0, []
    for sentence in dict.fromkeys(s for text in texts for s in _sentences(text)):
        if sentence.strip(" .") == title:
            continue
        found.append(sentence)
        took += _seconds(sentence)
        if took >= wanted:
            break
    return (title, found) if title and took >= TALK_S[0] else None


def _documentation(module: ModuleType) -> Iterator[str]:
    yield inspect.getdoc(module) or ""
    for thing in vars(module).values():
        if not (inspect.isclass(thing) or inspect.isroutine(thing)):
            continue
        if getattr(thing, "__module__", "") != module.__name__ or thing.__name__.startswith("_"):
            continue
        yield inspect.getdoc(thing) or ""
        if inspect.isclass(thing):
            yield from (inspect.getdoc(part) or "" for key, part in vars(thing).items() if key[:1] != "_")


def _sentences(text: str) -> Iterator[str]:
    """Sentences of the paragraphs that are prose."""
    splitter = SentencexSplitter()
    for paragraph in re.split(r"\n\s*\n", text):
        line = " ".join(paragraph.split())
        if re.search(r">>>|[{}=|<>]|->|--|^[-*:]|\(\)\s*$", line) or not line.endswith("."):
            continue
        ends = splitter.ends(line, "en")
        for start, end in zip([0, *ends], ends, strict=False):
            sentence = line[start:end].strip()
            letters = sum(c.isalpha() or c == " " for c in sentence)
            if 4 <= len(sentence.split()) <= 60 and letters >= 0.85 * len(sentence) and sentence.endswith("."):
                yield sentence


def _seconds(sentence: str) -> float:
    return max(1.0, len(sentence.split()) / WORDS_A_SECOND)


def _range(thing: dict[str, float]) -> TimeRange:
    return TimeRange(from_seconds(thing["start"]), from_seconds(thing["end"]))


def boundaries_of(ranges: Sequence[TimeRange]) -> list[int]:
    """Where chapters begin, but for the first."""
    return [r.start for r in ranges[1:]]
