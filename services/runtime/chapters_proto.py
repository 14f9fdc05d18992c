"""Between the nouns of `core.chapters` and the messages of `vidx.media.v1`."""

from collections.abc import Callable
from typing import Any

from vidx.media.v1 import chapters_pb2 as pb

from services.core import chapters as nouns
from services.runtime.media_proto import range_from, range_to

SOURCES = {
    nouns.TitleSource.EDITED: pb.Chapter.EDITED,
    nouns.TitleSource.HEADING: pb.Chapter.HEADING,
    nouns.TitleSource.PHRASE: pb.Chapter.PHRASE,
    nouns.TitleSource.CAPTION: pb.Chapter.SEEN,
    nouns.TitleSource.NUMBER: pb.Chapter.NUMBER,
    nouns.TitleSource.MODEL: pb.Chapter.MODEL,
}
FROM_SOURCE = {value: key for key, value in SOURCES.items()} | {
    pb.Chapter.TITLE_SOURCE_UNSPECIFIED: nouns.TitleSource.EDITED
}
LENGTHS = {nouns.Length.SHORT: pb.SHORT, nouns.Length.MEDIUM: pb.MEDIUM, nouns.Length.LONG: pb.LONG}
FROM_LENGTH = {value: key for key, value in LENGTHS.items()} | {pb.SUMMARY_LENGTH_UNSPECIFIED: nouns.Length.MEDIUM}


def chapter_to(c: nouns.Chapter) -> pb.Chapter:
    return pb.Chapter(range=range_to(c.range), title=c.title, locked=c.locked, title_source=SOURCES[c.source])


def chapter_from(c: pb.Chapter) -> nouns.Chapter:
    return nouns.Chapter(range_from(c.range), c.title, c.locked, FROM_SOURCE[c.title_source])


def chapters_to(c: nouns.Chapters) -> pb.Chapters:
    return pb.Chapters(chapters=[chapter_to(one) for one in c.chapters], writer=c.writer)


def chapters_from(c: pb.Chapters) -> nouns.Chapters:
    return nouns.Chapters(tuple(chapter_from(one) for one in c.chapters), c.writer)


def summary_to(s: nouns.Summary) -> pb.Summary:
    sentences = [
        pb.SummarySentence(text=one.text, ranges=[range_to(r) for r in one.ranges], chapter=one.chapter)
        for one in s.sentences
    ]
    return pb.Summary(
        range=range_to(s.range),
        length=LENGTHS[s.length],
        sentences=sentences,
        chapter=s.chapter,
        focus=s.focus,
        writer=s.writer,
    )


def summary_from(s: pb.Summary) -> nouns.Summary:
    sentences = tuple(
        nouns.SummarySentence(one.text, tuple(range_from(r) for r in one.ranges), one.chapter) for one in s.sentences
    )
    return nouns.Summary(range_from(s.range), FROM_LENGTH[s.length], sentences, s.chapter, s.focus, s.writer)


def summaries_to(s: nouns.Summaries) -> pb.Summaries:
    return pb.Summaries(summaries=[summary_to(one) for one in s.summaries])


def summaries_from(s: pb.Summaries) -> nouns.Summaries:
    return nouns.Summaries(tuple(summary_from(one) for one in s.summaries))


CODECS: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any], type[Any]]] = {
    nouns.Chapters: (chapters_to, chapters_from, pb.Chapters),
    nouns.Summaries: (summaries_to, summaries_from, pb.Summaries),
}
"""Noun -> (to message, from message, message class)."""
