"""Decodes one segment once: sampled frames, shots and thumbnails on the way, with PyAV."""

import time as clock
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from services.core.media import SampledFrame, Shot, Thumbnail
from services.core.times import TimeRange
from services.decoding.domain.detection import MARGIN, Cut, CutFinder
from services.decoding.domain.sampling import Kept, Sampler
from services.decoding.domain.shots import shots_between
from services.decoding.domain.signature import Bytes
from services.decoding.domain.turns import Turns
from services.decoding.ports import Limits, Sampling, SegmentFiles
from services.decoding.pyav_audio import write_audio
from services.decoding.pyav_frames import Shown, frames_from
from services.decoding.pyav_pictures import Painter, jpeg, pixel_aspect, thumbnail
from services.decoding.tar import TarWriter

REPORT_S = 0.5


def decode_segment(
    path: Path, limits: Limits, sampling: Sampling, range_: TimeRange, sound: bool, folder: Path
) -> SegmentFiles:
    """Everything of [start, end); files go into `folder`, where `progress` tells the share done, of a million."""
    jpegs, thumbnails = folder / "jpegs.tar", folder / "thumbnails.tar"
    report = _reporter(folder / "progress", range_)
    with TarWriter(jpegs) as tar:
        work = _Segment(sampling, range_, tar)
        for source, _, frames in frames_from(path, limits, range_.start - MARGIN):
            work.run(Painter(pixel_aspect(source.video.sample_aspect_ratio)), frames, report)
        for shot in work.missing:
            work.fetch(path, limits, shot)
    work.kept.sort(key=lambda entry: entry[0].time)
    shots = list(_thumbnails(shots_between(range_, work.cuts), work.kept, jpegs, thumbnails, sampling.thumbnail))
    audio = folder / "audio.flac" if sound else None
    if audio is not None:
        write_audio(path, limits, range_, audio)
    return SegmentFiles([frame for frame, _, _ in work.kept], shots, jpegs, thumbnails, audio)


class _Segment:
    """The pass over a segment's frames."""

    def __init__(self, sampling: Sampling, range_: TimeRange, tar: TarWriter) -> None:
        self._sampling = sampling
        self._range = range_
        self._tar = tar
        self._sampler = Sampler(range_, sampling.interval, sampling.threshold)
        self.cuts: list[Cut] = []
        self.kept: list[tuple[SampledFrame, int, int]] = []
        """Frames, and where their JPEGs lie in the tar: offset and size."""

    @property
    def missing(self) -> list[TimeRange]:
        return self._sampler.missing

    def run(self, painter: Painter, frames: Iterator[Shown], report: Callable[[int], None]) -> None:
        """Take the frames from before the segment to some time after it."""
        finder, turns, before = CutFinder(), Turns(), None
        for shown in frames:
            if shown.time >= self._range.end + MARGIN and finder.count:
                break
            signature = painter.signature(shown.frame)
            turned = turns.push(shown.time, signature)
            if before is not None:
                self._offer(painter, *before, turned, until=shown.time)
            before = (shown, signature, self._sampler.look(signature))
            self._settle(finder.push(shown.time, signature), finder.settled)
            report(shown.time)
        if before is not None:
            self._offer(painter, *before, turned=False, until=max(before[0].time + 1, self._range.end))
        self._settle(finder.finish(), self._range.end)
        self._keep(self._sampler.finish())

    def fetch(self, path: Path, limits: Limits, shot: TimeRange) -> None:
        """Go back for a frame of a shot that has none, where there is one."""
        middle = (shot.start + shot.end) // 2
        best: tuple[Shown, bytes] | None = None
        for source, _, frames in frames_from(path, limits, middle):
            painter = Painter(pixel_aspect(source.video.sample_aspect_ratio))
            for shown in frames:
                if shown.time >= shot.end or (best is not None and shown.time > middle):
                    break
                if shown.time >= shot.start:
                    best = (shown, self._paint(painter, shown))
        if best is not None:
            self._keep([Kept(SampledFrame(best[0].pts, best[0].time, shot), best[1])])

    def _offer(self, painter: Painter, shown: Shown, signature: Bytes, spare: bool, turned: bool, until: int) -> None:
        if not self._range.start <= shown.time < self._range.end:
            return
        place = self._sampler.place(shown.time, until, turned, spare)
        if place is not None:
            fine, picture = painter.fine(shown.frame), self._paint(painter, shown)
            self._sampler.offer(shown.pts, shown.time, signature, fine, picture, place)

    def _paint(self, painter: Painter, shown: Shown) -> bytes:
        return jpeg(painter.picture(shown.frame, self._sampling.side), self._sampling.quality)

    def _settle(self, cuts: list[Cut], until: int) -> None:
        inside = [cut for cut in cuts if self._range.contains(cut.time)]
        self.cuts += inside
        self._keep(self._sampler.settle(inside, min(until, self._range.end)))

    def _keep(self, kept: list[Kept]) -> None:
        for item in kept:
            offset = self._tar.add(f"{item.frame.pts}.jpg", item.picture)
            self.kept.append((item.frame, offset, len(item.picture)))


def _thumbnails(
    shots: list[Shot], kept: list[tuple[SampledFrame, int, int]], jpegs: Path, target: Path, height: int
) -> Iterator[Shot]:
    """The shots, each with a small picture of the sampled frame nearest to its middle."""
    with TarWriter(target) as tar, jpegs.open("rb") as pictures:
        position = 0
        for shot in shots:
            middle = (shot.range.start + shot.range.end) // 2
            best = None
            while position < len(kept) and kept[position][0].range.start < shot.range.end:
                entry = kept[position]
                if best is None or abs(entry[0].time - middle) < abs(best[0].time - middle):
                    best = entry
                position += 1
            if best is None:
                yield shot
                continue
            frame, offset, size = best
            pictures.seek(offset)
            small = thumbnail(pictures.read(size), height)
            yield replace(shot, thumbnail=Thumbnail("", tar.add(f"{frame.pts}.jpg", small), len(small), frame.time))


def _reporter(path: Path, range_: TimeRange) -> Callable[[int], None]:
    """Writes how far the pass is, now and then, for whoever waits for this process."""
    due = clock.monotonic()
    length = max(1, range_.duration)

    def report(at: int) -> None:
        nonlocal due
        if clock.monotonic() >= due:
            due = clock.monotonic() + REPORT_S
            share = min(1_000_000, max(0, (at - range_.start) * 1_000_000 // length))
            path.write_text(str(share))

    return report
