"""Subtitle files, good ones and hostile ones."""

from collections.abc import Iterator

from tests.media.hostile.case import Case

_TT = '<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body><div>{}</div></body></tt>'
ASS = (
    "[Script Info]\nTitle: x\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\n"
    "Style: Default,Arial,20\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, "
    "Text\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{}\n"
)
SRT = "1\n00:00:01,000 --> 00:00:02,000\n{}\n\n2\n00:00:03,000 --> 00:00:04,000\nmore\n"
_VTT = "WEBVTT\n\nNOTE x\n\n00:01.000 --> 00:02.000 align:start\n{}\n\n00:03.000 --> 00:04.000\nmore\n"
_P = '<p begin="1s" end="2s">{}</p>'
GOOD = {
    "a.srt": SRT.format("Hello <i>there</i> &amp; on").encode(),
    "a.vtt": _VTT.format("<v Ann>Hello</v> &amp; <c.yellow>on</c>").encode(),
    "a.ass": ASS.format(r"{\pos(1,2)}Hello\Nthere").encode(),
    "a.ttml": _TT.format(_P.format("Hello<br/>there")).encode(),
    "utf16.srt": SRT.format("Grüße").encode("utf-16"),
}
_RATED = '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" {}>' + _TT[52:]
_FRAMES = '<p begin="1f" end="2f">x</p>'
_STYLES = (
    '<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><head><styling><style xml:id="a" style="b"/>'
    '<style xml:id="b" style="a"/></styling></head><body style="a"><div><p begin="1s" end="2s" style="a">x</p></div>'
    "</body></tt>"
)
_LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))


def cases() -> Iterator[Case]:
    long = "a" * 200_000
    deep = 5_000
    for name, texts in {
        "a.ttml": {
            "a billion laughs": f'<!DOCTYPE tt [<!ENTITY l0 "ha">{_LAUGHS}]>' + _TT.format(_P.format("&l9;")),
            "an outer entity": '<!DOCTYPE tt [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + _TT.format(_P.format("&x;")),
            "an outer document type": '<!DOCTYPE tt SYSTEM "http://127.0.0.1:9/a.dtd">' + _TT.format(_P.format("x")),
            "an unknown entity": _TT.format(_P.format("&nothing;")),
            "deep spans": _TT.format(_P.format("<span>" * deep + "x" + "</span>" * deep)),
            "a million attributes": _TT.format("<p " + " ".join(f'a{i}=""' for i in range(100_000)) + ">x</p>"),
            "a time of a million digits": _TT.format(f'<p begin="{"9" * 1_000_000}s" end="2s">x</p>'),
            "a rate of zero": _RATED.format('ttp:frameRate="0" ttp:tickRate="0"', _FRAMES),
            "a rate that divides by zero": _RATED.format('ttp:frameRateMultiplier="1 0"', _FRAMES),
            "a time that is none": _TT.format('<p begin="NaN" end="inf">x</p>'),
            "a negative time": _TT.format('<p begin="-5s" end="2s">x</p>'),
            "styles that name each other": _STYLES,
            "no end": "<tt><body><div><p begin='1s'",
        },
        "a.srt": {
            "a cue of 200,000 letters": SRT.format(long),
            "200,000 open marks": SRT.format("<i>" * 100_000),
            "braces that do not close": SRT.format("{" * 200_000),
            "marks that do not close": SRT.format("<a" * 100_000),
            "200,000 empty lines": SRT.format("\n" * 200_000 + "x"),
            "entities": SRT.format("&lt;" * 50_000),
            "99 hours": SRT.replace("00:00:01", "99:59:59").format("x"),
            "a time of a million digits": SRT.replace("00:00:01", "9" * 1_000_000 + ":00:01").format("x"),
            "times that go back": SRT.replace("00:00:02", "00:00:00").format("x"),
            "300,000 arrows": "-->\n" * 300_000,
            "200,000 cues": "".join(f"{i}\n00:00:01,000 --> 00:00:02,000\nx\n\n" for i in range(200_000)),
            "other digits": SRT.replace("00:00:01", "٠٠:٠٠:٠١").format("x"),
            "NUL": SRT.format("a\0b"),
            "turned letters": SRT.format("\u202e\u2066" * 1000),
        },
        "a.vtt": {
            "a cue of 200,000 letters": _VTT.format(long),
            "deep marks": _VTT.format("<c>" * deep + "x" + "</c>" * deep),
            "marks that do not close": _VTT.format("<" * 200_000),
            "a style": _VTT.format("x").replace("NOTE x", "STYLE\n::cue{background:url(file:///etc/passwd)}"),
            "a time of a million digits": _VTT.replace("00:01.000", "9" * 1_000_000 + ":00:01.000").format("x"),
            "no cue": "WEBVTT",
            "a head without end": "WEBVTT" + " x" * 200_000,
        },
        "a.ass": {
            "a cue of 200,000 letters": ASS.format(long),
            "overrides that do not close": ASS.format("{" * 200_000),
            "a drawing": ASS.format(r"{\p1}m 0 0 l 1 1"),
            "a negative time": ASS.replace("0:00:01.00", "-1:00:01.00").format("x"),
            "a time of a million digits": ASS.replace("0:00:01.00", "9" * 1_000_000 + ":00:01.00").format("x"),
            "a font inside": ASS.format("x") + "\n[Fonts]\nfontname: evil.ttf\n" + "!" * 200_000,
            "no format line": ASS.format("x").replace("Format: Layer", "Formless: Layer"),
            "a format line of nothing": "[Events]\nFormat:\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,x\n",
            "commas alone": "[Events]\nDialogue: ,,,,,,,,,\n",
        },
    }.items():  # fmt: skip
        for what, text in texts.items():
            yield Case(f"{name}: {what}", name, text.encode())
    yield Case("a.srt: nothing", "a.srt", b"")
    yield Case("a.srt: NULs", "a.srt", bytes(100_000))
    yield Case("a.srt: every byte", "a.srt", bytes(range(256)) * 100)
    yield Case("a.srt: half a mark of UTF-16", "a.srt", b"\xff\xfe" + b"\x00" * 99)
    yield Case("a.srt: lone surrogates", "a.srt", b"\xff\xfe" + b"\x00\xd8" * 500)
    yield Case("a.srt: more than is read", "a.srt", b"1\n" * (5 << 20))
