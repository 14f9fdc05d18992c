"""Between the nouns of `core.chapters` and the messages of `vidx.media.v1`."""

from collections.abc import Callable
from typing import Any

from vidx.media.v1 import chapters_pb2 as pb
from vidx.media.v1 import media_pb2

from services.core import chapters as nouns
from services.core.jobs import Fault
from services.runtime.media_proto import duration, nanoseconds, range_from, range_to

SOURCES = {
    nouns.TitleSource.EDITED: pb.Chapter.EDITED,
    nouns.TitleSource.HEADING: pb.Chapter.HEADING,
    nouns.TitleSource.PHRASE: pb.Chapter.PHRASE,
    nouns.TitleSource.CAPTION: pb.Chapter.SEEN,
    nouns.TitleSource.NUMBER: pb.Chapter.NUMBER,
    nouns.TitleSource.MODEL: pb.Chapter.MODEL,
    nouns.TitleSource.FILE: pb.Chapter.FILE,
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
    return pb.Chapters(chapters=[chapter_to(one) for one in c.chapters], writer=c.writer, fault=_fault_to(c.fault))


def chapters_from(c: pb.Chapters) -> nouns.Chapters:
    return nouns.Chapters(tuple(chapter_from(one) for one in c.chapters), c.writer, _fault_from(c))


def summary_to(s: nouns.Summary) -> pb.Summary:
    sentences = [
        pb.SummarySentence(
            text=one.text, ranges=[range_to(r) for r in one.ranges], chapter=one.chapter, video=one.video
        )
        for one in s.sentences
    ]
    return pb.Summary(
        range=range_to(s.range) if s.range else None,
        length=LENGTHS[s.length],
        sentences=sentences,
        chapter=s.chapter,
        focus=s.focus,
        writer=s.writer,
        fault=_fault_to(s.fault),
        videos=s.videos,
    )


def summary_from(s: pb.Summary) -> nouns.Summary:
    sentences = tuple(
        nouns.SummarySentence(one.text, tuple(range_from(r) for r in one.ranges), one.chapter, one.video)
        for one in s.sentences
    )
    scope = range_from(s.range) if s.HasField("range") else None
    length, fault = FROM_LENGTH[s.length], _fault_from(s)
    return nouns.Summary(scope, length, sentences, s.chapter, s.focus, s.writer, fault, tuple(s.videos))


def summaries_to(s: nouns.Summaries) -> pb.Summaries:
    return pb.Summaries(summaries=[summary_to(one) for one in s.summaries])


def summaries_from(s: pb.Summaries) -> nouns.Summaries:
    return nouns.Summaries(tuple(summary_from(one) for one in s.summaries))


def answer_to(a: nouns.Answer) -> pb.Answer:
    sentences = [
        pb.AnswerSentence(
            text=one.text,
            citations=[pb.Citation(video=c.video, range=range_to(c.range), text=c.text) for c in one.citations],
        )
        for one in a.sentences
    ]
    return pb.Answer(sentences=sentences, writer=a.writer, fault=_fault_to(a.fault))


def answer_from(a: pb.Answer) -> nouns.Answer:
    sentences = tuple(
        nouns.AnswerSentence(
            one.text, tuple(nouns.Citation(c.video, range_from(c.range), c.text) for c in one.citations)
        )
        for one in a.sentences
    )
    return nouns.Answer(sentences, a.writer, _fault_from(a))


def highlights_to(h: nouns.Highlights) -> pb.Highlights:
    found = [pb.Highlight(range=range_to(one.range), peak=duration(one.peak), score=one.score) for one in h.highlights]
    return pb.Highlights(step=duration(h.step), saliency=h.saliency, highlights=found)


def highlights_from(h: pb.Highlights) -> nouns.Highlights:
    found = (nouns.Highlight(range_from(one.range), nanoseconds(one.peak), one.score) for one in h.highlights)
    return nouns.Highlights(nanoseconds(h.step), tuple(h.saliency), tuple(found))


def skim_to(s: nouns.Skim) -> pb.Skim:
    return pb.Skim(ranges=map(range_to, s.ranges), length=duration(s.length))


def skim_from(s: pb.Skim) -> nouns.Skim:
    return nouns.Skim(tuple(map(range_from, s.ranges)))


def _fault_to(fault: Fault | None) -> media_pb2.Fault | None:
    return media_pb2.Fault(reason=fault.reason, message=fault.message) if fault else None


def _fault_from(message: pb.Chapters | pb.Summary | pb.Answer) -> Fault | None:
    return Fault(message.fault.reason, message.fault.message) if message.HasField("fault") else None


CODECS: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any], type[Any]]] = {
    nouns.Chapters: (chapters_to, chapters_from, pb.Chapters),
    nouns.Summaries: (summaries_to, summaries_from, pb.Summaries),
}
"""Noun -> (to message, from message, message class)."""
