"""Tracks out of the file's own subtitle streams, as decoding stored them: a WebVTT file a stream in a zip."""

import io
import re
import zipfile
from collections.abc import Sequence

from services.core.errors import Incomplete
from services.core.media import SubtitleStream
from services.core.text import Source, TranscriptTrack
from services.transcription.domain import subtitles
from services.transcription.ports import Languages, SubtitleReader

_NAME = re.compile(r"(\d+)\.([A-Za-z0-9-]+)\.vtt")


def from_streams(
    archive: bytes, streams: Sequence[SubtitleStream], reader: SubtitleReader, languages: Languages
) -> list[TranscriptTrack]:
    """A track a stream, the default one first, then in the file's order. Raises Incomplete when it is no such zip."""
    default = {stream.index for stream in streams if stream.default}
    found = []
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            for name in files.namelist():
                match = _NAME.fullmatch(name)
                if match is None:
                    raise Incomplete(f"{name} is not named <stream>.<language>.vtt: decode the video again")
                index = int(match[1])
                # One bad packet of a stream must not cost the others.
                content = files.read(name).replace(b"\0", b"")
                cues = subtitles.cues(reader.read(content, name).entries)
                track = TranscriptTrack(languages.tag(match[2]), Source.SUBTITLE_STREAM, cues=cues)
                found.append((index not in default, index, track))
    except zipfile.BadZipFile as error:
        raise Incomplete(f"the stored subtitles are no zip ({error}): decode the video again") from error
    return [track for _, _, track in sorted(found, key=lambda entry: entry[:2]) if track.cues]
