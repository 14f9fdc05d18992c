"""Chapters in files of other tools, each read back by another tool or library."""

import io
import json
from collections.abc import Sequence
from fractions import Fraction

import av
import opentimelineio as otio
import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp import YoutubeDL
from yt_dlp.extractor.common import InfoExtractor

from services.chaptering import formats
from services.chaptering.domain.film import Film
from services.chaptering.domain.listing import Entry, listed, one_line
from services.chaptering.formats.edl import frame, stamp, timecode_rate
from services.core.chapters import Chapter
from services.core.errors import InvalidInput
from services.core.times import MILLISECOND, SECOND, TimeRange

ODD = "A = b; #1 \\ <i>{é} & 日本"


def made(*starts: float, end: float, titles: Sequence[str] = ()) -> tuple[Chapter, ...]:
    named = [*titles, *(f"Part {i}" for i in range(len(titles), len(starts)))]
    return listed([Entry(round(s * SECOND), t) for s, t in zip(starts, named, strict=True)], round(end * SECOND))


CHAPTERS = made(0, 61.5, 3723.25, end=7200, titles=["Welcome", ODD, "Questions"])


def text(format_: str, chapters: Sequence[Chapter] = CHAPTERS, film: Film | None = None) -> str:
    return formats.write(format_, chapters, film or Film("A talk")).content.decode()


def subtitles(content: str, form: str) -> list[tuple[int, int, str]]:
    """What FFmpeg reads: start and end in milliseconds, text as it lies in the file."""
    with av.open(io.BytesIO(content.encode()), format=form) as box:
        packets = [p for p in box.demux(box.streams.subtitles[0]) if p.size]
        return [
            (
                round(p.pts * p.time_base * 1000),
                round((p.pts + p.duration) * p.time_base * 1000),
                bytes(p).decode(),
            )
            for p in packets
        ]


def test_webvtt_is_read_by_ffmpeg_and_pysubs2() -> None:
    content = text("webvtt")
    times = [(0, 61_500), (61_500, 3_723_250), (3_723_250, 7_200_000)]
    assert [cue[:2] for cue in subtitles(content, "webvtt")] == times
    assert [(e.start, e.end) for e in pysubs2.SSAFile.from_string(content, format_="vtt")] == times
    assert "&lt;i&gt;" in content


def test_srt_is_read_by_ffmpeg() -> None:
    found = subtitles(text("srt"), "srt")
    assert [cue[:2] for cue in found] == [(0, 61_500), (61_500, 3_723_250), (3_723_250, 7_200_000)]
    assert [cue[2] for cue in found] == ["Welcome", "A = b; #1 / <i>(é) & 日本", "Questions"]


def test_ffmetadata_is_read_by_ffmpeg_to_the_nanosecond() -> None:
    chapters = listed([Entry(0, "Welcome"), Entry(61_500_000_001, ODD)], 7_200_000_000_003)
    with av.open(io.BytesIO(text("ffmetadata", chapters).encode()), format="ffmetadata") as box:
        found = [(c["start"], c["end"], c["metadata"]["title"]) for c in box.chapters()]
        assert {c["time_base"] for c in box.chapters()} == {Fraction(1, SECOND)}
    assert found == [(0, 61_500_000_001, "Welcome"), (61_500_000_001, 7_200_000_000_003, ODD)]


def test_youtube_lines_are_read_by_yt_dlp() -> None:
    content = text("youtube")
    found = InfoExtractor(YoutubeDL({"quiet": True}))._extract_chapters_from_description(content, 7200)
    assert [c["start_time"] for c in found] == [0, 62, 3723]
    assert found[0]["title"] == "Welcome"
    assert content.splitlines()[2] == "1:02:03 Questions"


def test_youtube_rules_are_kept() -> None:
    short = made(0, 4, 30, 60, 95, end=100)
    assert text("youtube", short) == "0:00 Part 0\n0:30 Part 2\n1:00 Part 3\n"
    with pytest.raises(InvalidInput, match="YouTube wants at least 3"):
        text("youtube", made(0, 60, end=100))


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(50), Fraction(25)])
def test_an_edl_is_read_by_another_library_to_the_frame(rate: Fraction) -> None:
    content = text("edl", film=Film("A talk", rate))
    timeline = otio.adapters.read_from_string(content, "cmx_3600", rate=float(rate))
    clips = list(timeline.tracks[0])
    assert [clip.name for clip in clips] == ["Welcome", ODD, "Questions"]
    starts = [round(clip.source_range.start_time.value) for clip in clips]
    assert starts == [frame(c.range.start, rate) for c in CHAPTERS]
    assert all(
        abs(Fraction(s) / rate * SECOND - c.range.start) <= SECOND / rate / 2
        for s, c in zip(starts, CHAPTERS, strict=True)
    )


@pytest.mark.parametrize(
    ("rate", "second", "code"),
    [
        # Non-drop 23.976 counts 24 frames a second, and so falls behind the clock: 3.6 s in an hour.
        (Fraction(24000, 1001), Fraction(1001, 1000) * 3600, "01:00:00:00"),
        # Drop-frame leaves out two numbers each minute but the tenth, and is right again every ten minutes.
        (Fraction(30000, 1001), Fraction(1799 * 1001, 30000), "00:00:59;29"),
        (Fraction(30000, 1001), Fraction(1800 * 1001, 30000), "00:01:00;02"),
        (Fraction(30000, 1001), Fraction(17982 * 1001, 30000), "00:10:00;00"),
        (Fraction(30000, 1001), Fraction(107892 * 1001, 30000), "01:00:00;00"),
        (Fraction(60000, 1001), Fraction(3600 * 1001, 60000), "00:01:00;04"),
        (Fraction(50), Fraction(3599_980, 1000), "00:59:59:49"),
        (Fraction(50), Fraction(3600), "01:00:00:00"),
    ],
)
def test_timecode(rate: Fraction, second: Fraction, code: str) -> None:
    exact, name = timecode_rate(rate)
    assert stamp(frame(round(second * SECOND), exact), name) == code


@given(st.integers(0, 24 * 107892 - 1))
def test_drop_frame_timecode_is_that_of_opentimelineio(number: int) -> None:
    ours = stamp(number, "29.97")
    theirs = otio.opentime.to_timecode(otio.opentime.RationalTime(number, 30000 / 1001), 30000 / 1001, True)
    assert ours == theirs


def test_an_edl_says_how_frames_are_counted() -> None:
    assert "FCM: DROP FRAME" in text("edl", film=Film(rate=Fraction(2997, 100)))
    for rate in (Fraction(24000, 1001), Fraction(50)):
        assert "FCM: NON-DROP FRAME" in text("edl", film=Film(rate=rate))
        assert "COUNTED AT" not in text("edl", film=Film(rate=rate))


@pytest.mark.parametrize(
    ("rate", "counted"),
    [
        (Fraction(2), "24"),
        (Fraction(15), "30"),
        (Fraction(15000, 1001), "29.97"),
        (Fraction(25, 2), "25"),
        (Fraction(100), "50"),
        (Fraction(120000, 1001), "59.94"),
        (Fraction(120), "60"),
        (Fraction(2713, 100), "25"),
        (Fraction(1, 10), "25"),
        (Fraction(1000), "50"),
    ],
)
def test_a_film_of_another_rate_is_counted_in_frames_that_timecode_knows(rate: Fraction, counted: str) -> None:
    content = text("edl", film=Film("A talk", rate))
    exact, name = timecode_rate(rate)
    assert name == counted
    clips = list(otio.adapters.read_from_string(content, "cmx_3600", rate=float(exact)).tracks[0])
    starts = [round(clip.source_range.start_time.value) for clip in clips]
    assert starts == [frame(c.range.start, exact) for c in CHAPTERS]
    assert f"* COUNTED AT {counted} FRAMES A SECOND" in content


def test_otio_is_read_by_its_library_and_any_reader_of_json() -> None:
    content = text("otio", film=Film("A talk", Fraction(30000, 1001), "https://example.org/a.mp4"))
    (clip,) = otio.adapters.read_from_string(content, "otio_json").tracks[0]
    assert [m.name for m in clip.markers] == ["Welcome", ODD, "Questions"]
    starts = [m.marked_range.start_time.to_seconds() for m in clip.markers]
    assert starts == pytest.approx([0, 61.5, 3723.25], abs=0.017)
    assert clip.media_reference.target_url == "https://example.org/a.mp4"
    assert json.loads(content)["tracks"]["children"][0]["children"][0]["markers"][1]["metadata"]["vidx"] == {
        "start_ns": 61_500_000_000,
        "end_ns": 3_723_250_000_000,
        "locked": True,
    }


@pytest.mark.parametrize("format_", sorted(formats.READERS))
def test_what_is_written_is_read(format_: str) -> None:
    found = formats.read(format_, text(format_).encode(), CHAPTERS[-1].range.end)
    assert len(found) == 3
    for ours, theirs in zip(CHAPTERS, found, strict=True):
        assert abs(ours.range.start - theirs.range.start) <= SECOND / 2
    assert (found[0].title, found[2].title) == ("Welcome", "Questions")
    assert all(chapter.locked for chapter in found)


starts_of = st.lists(st.integers(1, 10_000_000), max_size=20, unique=True)


@given(starts_of, st.lists(st.text(max_size=40), min_size=21, max_size=21))
def test_any_titles_and_times_come_back_from_ffmetadata_and_webvtt(starts: list[int], titles: list[str]) -> None:
    entries = [Entry(ms * MILLISECOND, title) for ms, title in zip([0, *sorted(starts)], titles, strict=False)]
    chapters = listed(entries, 10_000_001 * MILLISECOND)
    for format_ in ("ffmetadata", "webvtt"):
        found = formats.read(format_, text(format_, chapters).encode(), chapters[-1].range.end)
        assert [c.range for c in found] == [c.range for c in chapters]
        named = [c.title or f"Chapter {i}" for i, c in enumerate(chapters, 1)]
        assert [c.title for c in found] == [one_line(t) for t in named]


def test_lines_that_people_write_are_read() -> None:
    said = (
        "My talk\n\n00:00 - Welcome\n(1:30) Bees\n• 02:05 – Dances: how?\n2:30.5 Ants\n3:00 - 4:00 42 wasps\nThanks!\n"
    )
    found = formats.read("youtube", said.encode(), 300 * SECOND)
    assert [(c.range.start / SECOND, c.title) for c in found] == [
        (0, "Welcome"),
        (90, "Bees"),
        (125, "Dances: how?"),
        (150.5, "Ants"),
        (180, "42 wasps"),
    ]


def test_a_list_that_begins_late_leaves_a_chapter_before_it() -> None:
    found = formats.read("youtube", b"0:30 Bees\n1:00 Ants", 90 * SECOND)
    assert found[0] == Chapter(TimeRange(0, 30 * SECOND), "", False)
    assert [c.title for c in found[1:]] == ["Bees", "Ants"]


@pytest.mark.parametrize(
    ("format_", "content"),
    [
        (
            "webvtt",
            "WEBVTT\n\n00:10.000 --> 00:20.000\nBees\n\n00:20.400 --> 00:40.000\n\n00:50.000 --> 00:58.000\nAnts\n",
        ),
        (
            "ffmetadata",
            ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=10000\nEND=20000\ntitle=Bees\n"
            "[CHAPTER]\nTIMEBASE=1/1000\nSTART=20400\nEND=40000\n"
            "[CHAPTER]\nTIMEBASE=1/1000\nSTART=50000\nEND=58000\ntitle=Ants\n",
        ),
        (
            "srt",
            "1\n00:00:10,000 --> 00:00:20,000\n<b>Bees</b>\n\n2\n00:00:20,400 --> 00:00:40,000\n\n\n"
            "3\n00:00:50,000 --> 00:00:58,000\nAnts\n",
        ),
    ],
)
def test_where_chapters_of_a_file_end_is_kept_and_what_lies_between_is_free(format_: str, content: str) -> None:
    found = formats.read(format_, content.encode(), 60 * SECOND)
    assert [(c.range.start / SECOND, c.range.end / SECOND, c.title, c.locked) for c in found] == [
        (0, 10, "", False),
        (10, 20.4, "Bees", True),
        (20.4, 40, "", True),
        (40, 50, "", False),
        (50, 58, "Ants", True),
        (58, 60, "", False),
    ]


def test_chapters_of_a_file_that_overlap_end_where_the_next_begins_and_all_end_with_the_video() -> None:
    content = b"WEBVTT\n\n00:00.000 --> 01:30.000\nAll\n\n00:20.000 --> 01:30.000\nBees\n"
    found = formats.read("webvtt", content, 60 * SECOND)
    assert [(c.range.start // SECOND, c.range.end // SECOND, c.title) for c in found] == [
        (0, 20, "All"),
        (20, 60, "Bees"),
    ]


@pytest.mark.parametrize("format_", ["edl", "otio", "srt"])
def test_what_other_formats_hold_is_no_list_of_lines(format_: str) -> None:
    with pytest.raises(InvalidInput, match="lines such as"):
        formats.read("youtube", text(format_).encode(), 7200 * SECOND)


@pytest.mark.parametrize(
    ("format_", "content"),
    [
        ("srt", b"0:00 Bees\n1:00 Ants\n"),
        ("srt", b""),
        # Marks that nothing closes, which the library would be at for minutes.
        ("srt", b"1\n00:00:01,000 --> 00:00:02,000\n" + b"<a" * 500_000),
        ("webvtt", b"no header"),
        ("webvtt", b"WEBVTT\n\n"),
        ("webvtt", b"WEBVTT\n\n00:00.000 --> 00:05.000\na\n\n02:00.000 --> 03:00.000\nlate\n"),
        ("youtube", b"nothing here"),
        ("youtube", b"0:00 a\n0:00 b"),
        ("youtube", b"\xff\xfe"),
        ("youtube", b"0:00 " + b"x" * 201),
        ("ffmetadata", b"[CHAPTER]\nSTART=0\n"),
        ("ffmetadata", b";FFMETADATA1\ntitle=x\n"),
        ("ffmetadata", b";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/0\nSTART=0\nEND=1\n"),
        ("edl", b"TITLE: x"),
        ("youtube", b"0:00 a\n" * 200_000),
    ],
)
def test_what_cannot_be_chapters_is_refused(format_: str, content: bytes) -> None:
    with pytest.raises(InvalidInput):
        formats.read(format_, content, 60 * SECOND)


def test_unknown_formats_and_no_chapters_are_refused() -> None:
    with pytest.raises(InvalidInput, match="one of"):
        formats.write("doc", CHAPTERS, Film())
    with pytest.raises(InvalidInput, match="no chapters"):
        formats.write("srt", (), Film())
