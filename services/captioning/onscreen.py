"""Use cases of on-screen text: read the text of a segment's frames, of a picture; join segments."""

from collections.abc import Sequence

from services.captioning.domain import looks as looking
from services.captioning.domain.lines import believed
from services.captioning.domain.looks import Looks
from services.captioning.domain.places import moved, still_there
from services.captioning.domain.readings import track
from services.captioning.ports import U8, Picture, Pictures, TextReader
from services.core.artifacts import job_keys
from services.core.errors import Incomplete, InvalidInput
from services.core.jobs import Job, Outputs, Progress
from services.core.jpegs import jpegs
from services.core.media import SampledFrame, SampledFrames
from services.core.store import Artifacts
from services.core.text import Box, OnScreenText, TextLine

VERSION = 3
"""Grows when the same frames give other readings."""
Lines = tuple[TextLine, ...]


class OnScreen:
    """Reads what is written in pictures."""

    def __init__(self, artifacts: Artifacts, pictures: Pictures, reader: TextReader) -> None:
        self._artifacts = artifacts
        self._pictures = pictures
        self._reader = reader

    def read(self, pixels: U8) -> Lines:
        """The text of one picture, uint8[h, w, 3] RGB, from top to bottom."""
        return believed(self._reader.read(pixels))

    def segment(self, job: Job, progress: Progress) -> Outputs:
        """captioning.text: what is written in the pictures of a segment, and for how long."""
        keys = job_keys(job, ("readings",), {"version": VERSION, "reader": self._reader.version})
        key = keys["readings"]
        if not self._artifacts.have([key]):
            sampled = self._artifacts.load(job.one("frames"), SampledFrames)
            self._artifacts.save(key, track(sampled.frames, self._lines(job, sampled, progress)))
        return Outputs(keys, {"readings": len(self._artifacts.load(key, OnScreenText).readings)})

    def _lines(self, job: Job, sampled: SampledFrames, progress: Progress) -> Sequence[Lines]:
        """The lines of each frame, in the order of the frames."""
        n = len(sampled.frames)
        found: list[Lines] = [()] * n
        glancer = _Glancer(self._reader)
        progress(0, n)
        with self._artifacts.objects.open(sampled.tar_key) as tar:
            for done, (row, data) in enumerate(jpegs(tar, sampled.frames), 1):
                try:
                    found[row] = glancer.lines(self._pictures.open(data), _begins_shot(sampled.frames[row]))
                except InvalidInput as error:
                    raise Incomplete(f"segment {job.segment}, sampled frame {row}: {error.message}") from error
                progress(done, n)
        return found


def _begins_shot(frame: SampledFrame) -> bool:
    """True when the frame stands for time before its own, as only the first of a shot does."""
    return frame.range.start < frame.time


class _Glancer:
    """Takes pictures in order of time, and reads those in which text may have changed."""

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self._looks = Looks()
        self._last: tuple[U8, Sequence[Box], Lines] | None = None
        """The picture that was glanced at last, where text may be in it, and what is written there."""

    def lines(self, picture: Picture, first: bool) -> Lines:
        """The lines in the next picture, perhaps known to be the first of a shot."""
        grey = picture.grey(looking.WIDTH, looking.HEIGHT)
        if self._looks.due(grey, first):
            pixels = picture.pixels()
            # Small letters on plain ground escape a glance; such pictures are few, and are read at once.
            plain = looking.plain(grey)
            places = () if plain else self._reader.glance(pixels)
            lines = believed(self._reader.read(pixels)) if plain else self._read(pixels, places, first)
            self._last = (pixels, places, lines)
            self._looks.looked(grey, bool(lines))
        return self._last[2] if self._last else ()

    def _read(self, pixels: U8, places: Sequence[Box], first: bool) -> Lines:
        if not places:
            return ()
        if self._last is not None:
            before, old, lines = self._last
            if still_there(before, lines, pixels, places) or (not first and moved(old, places)):
                return lines
        return believed(self._reader.read(pixels, places))
