"""Hostile files at the stages that open them: each ends READY or FAILED with a cause, within its limits.

A part of those that `make hostile` tries; a file that found something has a test of its own, besides.
"""

from pathlib import Path

import pytest

from tests.hostile import trying
from tests.media import hostile

EACH = 4
"""Of so many files of the corpus one is tried here."""


def check(report: trying.Report, least: int) -> None:
    assert [f"{case}: {what}" for case, what in report.faults] == []
    assert [str(case) for case in report.hangs] == []
    assert report.tried >= least
    # Neither is all refused nor all let through: the corpus is spoilt, not noise.
    assert 0 < len(report.ends[trying.READY]) < report.tried


@pytest.mark.timeout(900)  # Hundreds of files, one after the other.
def test_videos_end_ready_or_failed_with_a_cause(tmp_path: Path) -> None:
    cases = list(hostile.files(tmp_path / "good"))[::EACH]
    with trying.decoding(tmp_path) as attempt:
        check(trying.tried(cases, attempt), 300)


def test_subtitles_end_read_or_refused_with_a_cause() -> None:
    with trying.reading() as attempt:
        check(trying.tried(list(hostile.subtitles())[::EACH], attempt), 40)


def test_files_of_chapters_end_read_or_refused_with_a_cause() -> None:
    with trying.outlining() as attempt:
        check(trying.tried(list(hostile.subtitles())[::EACH], attempt), 40)


def test_pictures_end_opened_or_refused_with_a_cause() -> None:
    with trying.looking() as attempt:
        check(trying.tried(list(hostile.images())[::EACH], attempt), 25)


def test_the_corpus_is_the_same_every_time(tmp_path: Path) -> None:
    first, second = ([*hostile.subtitles(), *hostile.images(), *hostile.files(tmp_path / n)] for n in ("1", "2"))
    assert [case.what for case in first] == [case.what for case in second]
    assert [case.what for a, b in zip(first, second, strict=True) if (case := a).data != b.data] == []
    assert len({case.what for case in first}) == len(first)
