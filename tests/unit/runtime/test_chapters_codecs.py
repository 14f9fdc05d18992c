"""Chapters, summaries and answers come back from their messages as they were."""

import pytest

from services.core.chapters import (
    Answer,
    AnswerSentence,
    Chapter,
    Chapters,
    Citation,
    Length,
    Summaries,
    Summary,
    SummarySentence,
    TitleSource,
)
from services.core.jobs import Fault
from services.core.times import TimeRange
from services.runtime import chapters_proto as proto

FAULT = Fault("UNAVAILABLE", "the language model server is down: start it")
R = TimeRange(5, 9_000_000_001)


@pytest.mark.parametrize("fault", [None, FAULT])
def test_nouns_come_back_as_they_were(fault: Fault | None) -> None:
    chapters = Chapters((Chapter(R, "Bees", True, TitleSource.MODEL),), "lm", fault)
    assert proto.chapters_from(proto.chapters_to(chapters)) == chapters
    summary = Summary(R, Length.LONG, (SummarySentence("Bees dance.", (R, R), 3),), 3, "bees", "lm", fault)
    assert proto.summary_from(proto.summary_to(summary)) == summary
    summaries = Summaries((summary, Summary(R, Length.SHORT)))
    assert proto.summaries_from(proto.summaries_to(summaries)) == summaries
    citation = Citation("collections/c/videos/v", R, "Bees dance.")
    answer = Answer((AnswerSentence("They dance.", (citation, citation)),), "lm", fault)
    assert proto.answer_from(proto.answer_to(answer)) == answer


def test_nothing_comes_back_as_nothing() -> None:
    assert proto.answer_from(proto.answer_to(Answer())) == Answer()
    assert proto.chapters_from(proto.chapters_to(Chapters())) == Chapters()
