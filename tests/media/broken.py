"""Files that are no good video, or that try to read what they must not."""

from pathlib import Path

from tests.media.films import two_scenes

PLAYLISTS = ("hls", "concat", "sdp", "dash", "concat-in-mp4-name", "hls-url")


def empty(path: Path) -> Path:
    """No byte."""
    path.write_bytes(b"")
    return path


def text(path: Path) -> Path:
    """Words, whatever the name says."""
    path.write_text("This is not a video.\n" * 200)
    return path


def truncated(path: Path, share: float) -> Path:
    """The first part of a film whose index lies in front."""
    whole = two_scenes(path.with_name("whole-" + path.name), container_options={"movflags": "faststart"}, gop=10)
    data = whole.read_bytes()
    whole.unlink()
    path.write_bytes(data[: round(len(data) * share)])
    return path


def headless(path: Path) -> Path:
    """A film without its last part, where its index lies."""
    whole = two_scenes(path.with_name("whole-" + path.name))
    data = whole.read_bytes()
    whole.unlink()
    path.write_bytes(data[: len(data) // 2])
    return path


def playlist(path: Path, kind: str, target: str) -> Path:
    """A file of one of PLAYLISTS that points at `target`, a path or URL."""
    if kind.startswith("hls"):
        url = "http://127.0.0.1:9/secret.ts" if kind == "hls-url" else target
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:10", "#EXTINF:10,", url, "#EXT-X-ENDLIST"]
    elif kind.startswith("concat"):
        lines = ["ffconcat version 1.0", f"file '{target}'"]
    elif kind == "sdp":
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=x", "c=IN IP4 127.0.0.1", "t=0 0", "m=video 5004 RTP/AVP 96"]
        lines += ["a=rtpmap:96 H264/90000"]
    else:
        lines = [
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">',
            f"<Period><AdaptationSet><Representation id='1'><BaseURL>{target}</BaseURL></Representation>",
            "</AdaptationSet></Period></MPD>",
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


def timeless(path: Path) -> Path:
    """A film of which every box says that it lasts no time at all: each frame, the track, the whole."""
    data = bytearray(two_scenes(path).read_bytes())
    at = data.index(b"stts") + 8
    entries = int.from_bytes(data[at : at + 4], "big")
    for i in range(entries):
        data[at + 8 + 8 * i : at + 12 + 8 * i] = bytes(4)
    for box, offset in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        if (begin := data.find(box)) >= 0:
            data[begin + offset : begin + offset + 4] = bytes(4)
    path.write_bytes(data)
    return path


def phone_matrix(path: Path) -> Path:
    """Turn an MP4's track as a phone does that was held upright: a quarter clockwise, straight in the `tkhd` box.

    The matrix maps (x, y) to (height - y, x), rows (0, 1, 0), (-1, 0, 0), (height, 0, 1) in 16.16 and 2.30.
    """
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    matrix = at + (40 if data[at] == 0 else 52)
    height = int.from_bytes(data[matrix + 40 : matrix + 44], "big", signed=True)
    values = (0, 1 << 16, 0, -1 << 16, 0, 0, height, 0, 1 << 30)
    data[matrix : matrix + 36] = b"".join(v.to_bytes(4, "big", signed=True) for v in values)
    path.write_bytes(bytes(data))
    return path
