"""Chapters that real files name, found by the probe."""

from pathlib import Path

import pytest

from services.core.media import FileChapter
from services.core.times import MILLISECOND, TimeRange
from services.decoding.ports import Limits
from services.decoding.pyav import probe
from tests.media.chapters import chaptered
from tests.media.films import film, tone, two_scenes
from tests.media.pictures import pan

NAMED = [(0, 1234, "Ein Anfang ü"), (1234, 1400, "Two\nlines"), (1400, 9000, "")]
FOUND = (
    FileChapter(TimeRange(0, 1234 * MILLISECOND), "Ein Anfang ü"),
    FileChapter(TimeRange(1234 * MILLISECOND, 1400 * MILLISECOND), "Two lines"),
    FileChapter(TimeRange(1400 * MILLISECOND, 2000 * MILLISECOND), ""),
)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "wmv"])
def test_chapters_of_every_container_are_found_to_the_millisecond(tmp_path: Path, suffix: str) -> None:
    windows = suffix == "wmv"
    whole = film(tmp_path / f"f.{'wmv' if windows else 'mkv'}", pan(1, 50), codec="wmv2" if windows else "libx264")
    found = probe(chaptered(whole, tmp_path / f"c.{suffix}", NAMED), Limits())
    assert found.duration == 2000 * MILLISECOND
    assert found.chapters == FOUND


@pytest.mark.parametrize("suffix", ["webm", "ogg"])
def test_chapters_of_free_containers_are_found(tmp_path: Path, suffix: str) -> None:
    whole = film(tmp_path / "f.webm", pan(1, 50), codec="libvpx", sound=tone(2))
    found = probe(chaptered(whole, tmp_path / f"c.{suffix}", [*NAMED[:2], (1400, 9000, "Rest")]), Limits())
    assert [c.title for c in found.chapters] == ["Ein Anfang ü", "Two lines", "Rest"]
    assert [c.range.start + found.start for c in found.chapters[1:]] == [c.range.start for c in FOUND[1:]]
    assert [c.range.end for c in found.chapters] == [*(c.range.start for c in found.chapters[1:]), found.duration]


def test_times_count_from_where_the_film_begins(tmp_path: Path) -> None:
    whole = film(tmp_path / "f.mkv", pan(1, 50), start=5000, sound=tone(2))
    moved = [(start + 5000, end + 5000, title) for start, end, title in NAMED]
    found = probe(chaptered(whole, tmp_path / "c.mkv", moved), Limits())
    shift = 5000 * MILLISECOND - found.start
    assert 0 <= shift <= 30 * MILLISECOND
    assert [c.range.start for c in found.chapters[1:]] == [c.range.start + shift for c in FOUND[1:]]


def test_a_film_without_chapters_has_none(tmp_path: Path) -> None:
    assert probe(two_scenes(tmp_path / "f.mp4"), Limits()).chapters == ()


def test_absurd_chapters_do_not_keep_a_film_from_being_read(tmp_path: Path) -> None:
    """Thousands, of no length, behind the end, at one time, with titles that no terminal should see."""
    wrong = [(i % 7 * 100, i % 7 * 100, "\x1b[2J" * 999) for i in range(3000)]
    wrong += [(10**9, 10**10, "far"), (100, 300, "\u202e\x00ok"), (100, 200, "inner")]
    whole = film(tmp_path / "f.mp4", pan(1, 50))
    found = probe(chaptered(whole, tmp_path / "c.mkv", wrong), Limits())
    assert found.duration == 2000 * MILLISECOND
    assert len(found.chapters) <= 500
    assert all(c.title.isprintable() and len(c.title) <= 200 for c in found.chapters)
    assert all(a.range.end <= b.range.start for a, b in zip(found.chapters, found.chapters[1:], strict=False))
