"""Files that name other files, and files that are two kinds at once."""

from collections.abc import Iterator, Mapping

from tests.media.hostile.case import Case

TARGETS = ("/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:9/a.ts", "concat:/etc/passwd|/etc/hosts", "../../a")
_LISTS = {
    "hls.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n",
    "key.m3u8": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{}"\n#EXTINF:10,\nx.ts\n#EXT-X-ENDLIST\n',
    "map.m3u8": '#EXTM3U\n#EXT-X-MAP:URI="{}"\n#EXTINF:10,\nx.m4s\n#EXT-X-ENDLIST\n',
    "list.ffconcat": "ffconcat version 1.0\nfile '{}'\n",
    "list.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    '<Representation id="1"><BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "list.ism": '<?xml version="1.0"?><SmoothStreamingMedia><StreamIndex Url="{}"/></SmoothStreamingMedia>',
    "list.asx": '<asx version="3.0"><entry><ref href="{}"/></entry></asx>',
    "list.sdp": "v=0\no=- 0 0 IN IP4 ::\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=control:{}\n",
    "picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{}"/></svg>',
    "list.ram": "{}\n",
}


def cases() -> Iterator[Case]:
    for name, text in _LISTS.items():
        for target in TARGETS:
            yield Case(f"{name} of {target}", name, text.format(target).encode())
            if target == TARGETS[0]:
                yield Case(f"{name} of {target}, named film.mp4", "film.mp4", text.format(target).encode())


def polyglots(films: Mapping[str, bytes]) -> Iterator[Case]:
    lists = {name: text.format(TARGETS[0]).encode() for name, text in _LISTS.items()}
    fronts = {
        "a GIF": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        "a PDF": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "a ZIP": b"PK\x03\x04" + bytes(26),
        "a shell script": b"#!/bin/sh\ncat /etc/passwd\n",
        "a web page": b"<!doctype html><script>alert(1)</script>\n",
        "a JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9",
        "an ELF program": b"\x7fELF\x02\x01\x01" + bytes(57),
        "a list": lists["hls.m3u8"],
    }
    for film in ("h264.mp4", "h264.mkv", "h264.ts", "cover.mp3"):
        for what, front in fronts.items():
            yield Case(f"{what} in front of {film}", film, front + films[film])
        for what, text in lists.items():
            yield Case(f"{film} in front of {what}", film, films[film][:2000] + text)
