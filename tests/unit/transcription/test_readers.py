"""Subtitle files: every format and encoding is read, or refused with the line that is wrong."""

from collections.abc import Iterator

import pytest

from services.core.errors import InvalidInput
from services.core.text import Cue
from services.core.times import MILLISECOND, TimeRange
from services.transcription.domain.subtitles import MOST_CUES, Entry, cues
from services.transcription.readers import SubtitleReaders

SRT = "1\n00:00:01,000 --> 00:00:02,500\n{}\n"
ASS = (
    "[Script Info]\nTitle: {title}\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\n"
    "Style: Default,Arial,20\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n{lines}"
)
TTML = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<tt xmlns="http://www.w3.org/ns/ttml" '
    'xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" ttp:tickRate="1000" xml:lang="fr">\n'
    "<head/><body>{}</body></tt>"
)


def read(content: str | bytes, name: str = "film.srt") -> tuple[Cue, ...]:
    data = content.encode() if isinstance(content, str) else content
    return cues(SubtitleReaders().read(data, name).entries)


def said(content: str | bytes, name: str = "film.srt") -> list[str]:
    return [cue.text for cue in read(content, name)]


def refused(content: str | bytes, name: str = "film.srt") -> str:
    with pytest.raises(InvalidInput) as caught:
        read(content, name)
    assert "content" in caught.value.fields
    return caught.value.message


def dialogue(text: str, start: str = "0:00:01.00", end: str = "0:00:02.50") -> str:
    return f"Dialogue: 0,{start},{end},Default,,0,0,0,,{text}\n"


TIMED = (
    (SRT.format("Hello"), "a.srt"),
    ("WEBVTT\n\n00:01.000 --> 00:00:02.500\nHello\n", "a.vtt"),
    (ASS.format(title="x", lines=dialogue("Hello")), "a.ass"),
    (ASS.format(title="x", lines=dialogue("Hello")).replace("V4+", "V4").replace("v4.00+", "v4.00"), "a.ssa"),
    (TTML.format('<div><p begin="00:00:01" end="00:00:02.5">Hello</p></div>'), "a.ttml"),
    (TTML.format('<div><p begin="00:00:01:00" dur="1.5s">Hello</p></div>'), "a.dfxp"),
    (TTML.format('<div begin="1s"><p begin="0t" end="1500t">Hello</p></div>'), "a.xml"),
    (TTML.replace('ns/ttml"', '2006/10/ttaf1"').format('<div><p begin="1s" end="2.5s">Hello</p></div>'), "a.xml"),
)


@pytest.mark.parametrize(("content", "name"), TIMED, ids=[f"{i}-{name}" for i, (_, name) in enumerate(TIMED)])
@pytest.mark.parametrize("named", [True, False])
def test_every_format_is_read_whatever_the_name_says(content: str, name: str, named: bool) -> None:
    found = read(content, name if named else "subtitles.bin")
    assert found == (Cue(TimeRange(1000 * MILLISECOND, 2500 * MILLISECOND), "Hello"),)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_byte_order_marks_and_line_ends_do_not_matter(encoding: str, newline: str) -> None:
    text = "".join(
        f"{i}\n00:00:{i:02},000 --> 00:00:{i:02},900\nÀ propos du café, déjà vu à Besançon\n\n" for i in range(9)
    )
    assert said(text.replace("\n", newline).encode(encoding)) == ["À propos du café, déjà vu à Besançon"] * 9


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Съешь же ещё этих мягких французских булок, да выпей чаю"),
        ("koi8_r", "Съешь же ещё этих мягких французских булок, да выпей чаю"),
        ("cp1253", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία και πηγαίνω στο σπίτι"),
        ("gb18030", "我们明天早上一起去学校学习中文吧，好不好"),
        ("shift_jis", "これは日本語の字幕です。とても面白い映画でした"),
        ("euc_kr", "안녕하세요 오늘은 날씨가 아주 좋습니다 그리고 영화를 봅니다"),
    ],
)
def test_encodings_without_a_mark_are_found_out(encoding: str, text: str) -> None:
    content = "".join(SRT.format(text) + "\n" for _ in range(5)).encode(encoding)
    assert said(content) == [text] * 5


def test_markup_is_left_out_and_entities_are_letters() -> None:
    assert said(SRT.format("<i>Hello</i> <font color='red'>you</font> &amp; me\n{\\an8}above")) == [
        "Hello you & me\nabove"
    ]
    vtt = "WEBVTT\nLanguage: de\n\nNOTE --- a note\n\nSTYLE\n::cue { color: red }\n\nfirst\n"
    vtt += "00:01.000 --> 00:02.000 align:start\n<v Bob><b>Hi</b> &lt;you&gt; <00:01.500><c>there</c>\n"
    assert said(vtt) == ["Hi <you> there"]
    assert SubtitleReaders().read(vtt.encode(), "").language == "de"
    lines = dialogue("{\\i1\\pos(1,2)}One\\Ntwo{\\i0}\\hthree") + dialogue("{\\p1}m 0 0 l 10 10{\\p0}")
    lines += lines.replace("Dialogue", "Comment") + dialogue("{\\blur2}One\\Ntwo\\hthree")
    assert said(ASS.format(title="x", lines=lines)) == ["One\ntwo three"]
    ttml = TTML.format('<div><p begin="1s" end="2s">  One\n <span>two</span><br/>three </p></div>')
    assert said(ttml) == ["One two\nthree"]
    assert SubtitleReaders().read(ttml.encode(), "").language == "fr"


def test_cues_that_overlap_or_lie_out_of_order_are_put_in_order() -> None:
    rows = ((5, 9, "b"), (1, 6, "a"), (5, 6, "c"))
    content = "\n".join(f"00:00:0{start},000 --> 00:00:0{end},000\n{text}\n" for start, end, text in rows)
    assert said(content) == ["a", "c", "b"]


def test_cues_that_show_nothing_are_left_out() -> None:
    rows = (
        "00:00:01,000 --> 00:00:01,000\nzero",
        "00:00:01,000 --> 00:00:02,000\n",
        "00:00:03,000 --> 00:00:04,000\nx",
    )
    assert said("\n\n".join(f"{i}\n{row}" for i, row in enumerate(rows, 1))) == ["x"]
    assert read("WEBVTT\n") == ()


WRONG = {
    "srt end before start": ("\n1\n00:00:05,000 --> 00:00:02,500\nx\n", "line 3: the cue ends before it begins"),
    "srt no time": (SRT.format("x") + "\n2\n00:00:0x,000 --> 00:00:02,500\nx\n", "line 6:"),
    "srt no times": ("1\nfrom one to two seconds\nx\n", "line 1: no cue follows"),
    "srt too many hours": ("1\n100:00:01,000 --> 100:00:02,500\nx\n", "line 2:"),
    "srt 61 minutes": ("1\n00:61:01,000 --> 00:62:02,500\nx\n", "line 2:"),
    "srt NUL": (SRT.format("a") + "\0\0", "line 4: holds a NUL byte"),
    "vtt end before start": ("WEBVTT\n\n00:05.000 --> 00:04.000\nx\n", "line 3: the cue ends before it begins"),
    "vtt no time": ("WEBVTT\n\n00:01.000 --> soon\nx\n", "line 3:"),
    "vtt 61 seconds": ("WEBVTT\n\n00:01.000 --> 00:02.000\nx\n\n00:61.000 --> 00:70.000\nx\n", "line 6:"),
    "ass no time": (ASS.format(title="x", lines=dialogue("x") + dialogue("y", start="soon")), "line 12:"),
    "ass end before start": (ASS.format(title="x", lines=dialogue("y", start="0:01:00.00")), "line 11:"),
    "ass short line": (ASS.format(title="x", lines="Dialogue: 0,0:00:01.00\n"), "line 11: fewer fields"),
    "ttml no time": (
        TTML.format('<div>\n<p begin="soon" end="2s">x</p></div>'),
        "line 4: the begin of <p> is not a time",
    ),
    "ttml no end": (TTML.format('<div>\n\n<p begin="1s">x</p></div>'), "line 5: <p> has no end"),
    "ttml end before start": (TTML.format('<div><p begin="3s" end="2s">x</p></div>'), "line 3: the cue ends before"),
    "ttml not closed": (TTML.format("<div>\n<p>"), "line 4: not well-formed XML"),
    "ttml too deep": (TTML.format("\n" + "<div>" * 5000 + "</div>" * 5000), "line 4: more than 100 elements"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_read_is_refused_with_the_line_that_is_wrong(case: str) -> None:
    content, message = WRONG[case]
    assert message in refused(content)


@pytest.mark.parametrize("content", [b"", b" \r\n\t", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_refused(content: bytes) -> None:
    assert "the file is empty" in refused(content) or "not a subtitle file" in refused(content, "x.txt")


def test_a_file_of_another_kind_is_refused() -> None:
    assert "not a subtitle file" in refused("Dear diary,\n", "diary.txt")
    assert "line 1" in refused("Dear diary,\n", "diary.srt")
    refused(bytes(range(256)) * 64)


@pytest.mark.parametrize(
    "document_type",
    [
        '<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE t [<!ENTITY b SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE t SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE t [<!ENTITY % b SYSTEM "http://127.0.0.1:9/x"> %b;]>',
    ],
)
def test_entities_are_neither_expanded_nor_fetched(document_type: str) -> None:
    content = TTML.format('<div><p begin="1s" end="2s">&b;</p></div>').replace("?>\n", f"?>\n{document_type}\n", 1)
    assert "line 2: document types and entities are not read" in refused(content)


def many(count: int) -> Iterator[str]:
    for i in range(count):
        clock = f"{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}"
        yield f"{i + 1}\n{clock},000 --> {clock},900\ncue {i}\n\n"


def test_ten_thousand_cues_are_read_in_every_format() -> None:
    srt = "".join(many(10_000))
    vtt = "WEBVTT\n\n" + srt.replace(",", ".")
    ttml = TTML.format(
        "<div>" + "".join(f'<p begin="{i}s" end="{i}.9s">cue {i}</p>\n' for i in range(10_000)) + "</div>"
    )
    lines = (
        dialogue(
            f"cue {i}", f"{i // 3600}:{i // 60 % 60:02}:{i % 60:02}.00", f"{i // 3600}:{i // 60 % 60:02}:{i % 60:02}.90"
        )
        for i in range(10_000)
    )
    expected = read(srt)
    assert len(expected) == 10_000
    assert expected[-1] == Cue(TimeRange(9999_000 * MILLISECOND, 9999_900 * MILLISECOND), "cue 9999")
    for content in (vtt, ttml, ASS.format(title="x", lines="".join(lines))):
        assert read(content) == expected


def test_too_many_cues_are_refused() -> None:
    assert f"at most {MOST_CUES}" in refused("00:00:01,000 --> 00:00:02,000\n" * (MOST_CUES + 1))


def test_a_cue_before_the_video_or_longer_than_a_book_is_refused() -> None:
    with pytest.raises(InvalidInput, match="line 7: the cue begins before"):
        cues([Entry(7, -1, 5, "x")])
    with pytest.raises(InvalidInput, match="line 8: the cue has 20000 characters"):
        cues([Entry(8, 0, 5, "x" * 20_000)])


def test_what_cannot_be_shown_is_left_out_of_the_text() -> None:
    (found,) = cues([Entry(1, 0, 5, " a\u200b\x1b[31m b \n\n \u2028c ")])
    assert found.text == "a [31m b\nc"
