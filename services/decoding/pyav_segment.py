"""Decodes one segment once: sampled frames, shots and thumbnails on the way, with PyAV."""

import time as clock
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from services.core.media import SampledFrame, Shot, Thumbnail
from services.core.times import TimeRange
from services.decoding.domain.detection import MARGIN, Cut, CutFinder
from services.decoding.domain.gaps import same_picture
from services.decoding.domain.sampling import Kept, Place, Sampler, on_grid
from services.decoding.domain.shots import shots_between
from services.decoding.domain.signature import Bytes
from services.decoding.domain.turns import Turns
from services.decoding.ports import Limits, Sampling, SegmentFiles
from services.decoding.pyav_audio import write_audio
from services.decoding.pyav_frames import Shown, frames_from, packets_from
from services.decoding.pyav_open import Source, open_source
from services.decoding.pyav_pictures import Painter, Small, finished, jpeg, pixel_aspect, thumbnail
from services.decoding.pyav_sparse import Seen, Sparse
from services.decoding.tar import TarWriter

REPORT_S = 0.5


def decode_segment(
    path: Path, limits: Limits, sampling: Sampling, range_: TimeRange, sound: bool, folder: Path
) -> SegmentFiles:
    """Everything of [start, end); files go into `folder`, where `progress` tells the share done, of a million."""
    jpegs, thumbnails = folder / "jpegs.tar", folder / "thumbnails.tar"
    report = _reporter(folder / "progress", range_)
    audio = folder / "audio.flac" if sound else None
    # Beside the pictures: FFmpeg and Pillow let go of the interpreter, and the decoder leaves a core free now and then.
    with ThreadPoolExecutor(1) as beside, TarWriter(jpegs) as tar, ExitStack() as opened:
        heard = beside.submit(write_audio, path, limits, range_, audio) if audio is not None else None
        work = _Segment(sampling, range_, tar)

        def once_more() -> Source:
            return opened.enter_context(open_source(path, limits))

        for source, _, packets in packets_from(path, limits, range_.start - MARGIN):
            painter = Painter(pixel_aspect(source.video.sample_aspect_ratio))
            wanted = partial(on_grid, range_, sampling.interval)
            sparse = Sparse(source, once_more, limits, painter, wanted, sampling.interval // 2)
            # Closed before the sources are: its decoders have threads of their own.
            with closing(sparse.frames(packets)) as frames:
                work.run(painter, frames, report)
        for shot in work.missing:
            work.fetch(path, limits, shot)
        if heard is not None:
            heard.result()
    work.kept.sort(key=lambda entry: entry[0].time)
    shots = list(_thumbnails(shots_between(range_, work.cuts), work.kept, jpegs, thumbnails, sampling.thumbnail))
    return SegmentFiles([frame for frame, _, _ in work.kept], shots, jpegs, thumbnails, audio)


class _Segment:
    """The pass over a segment's frames."""

    def __init__(self, sampling: Sampling, range_: TimeRange, tar: TarWriter) -> None:
        self._sampling = sampling
        self._range = range_
        self._tar = tar
        self._sampler: Sampler[Small] = Sampler(range_, sampling.interval, sampling.threshold)
        self._standing: tuple[Bytes, Bytes] | None = None
        """The picture that was offered for the grid, while it stands: signature and `turns.rewritten`'s."""
        self.cuts: list[Cut] = []
        self.kept: list[tuple[SampledFrame, int, int]] = []
        """Frames, and where their JPEGs lie in the tar: offset and size."""

    @property
    def missing(self) -> list[TimeRange]:
        return self._sampler.missing

    def run(self, painter: Painter, frames: Iterator[Seen], report: Callable[[int], None]) -> None:
        """Take the frames from before the segment to some time after it."""
        finder, turns, last = CutFinder(), Turns(), None
        for seen in frames:
            if seen.time >= self._range.end + MARGIN and finder.count:
                break
            looks = [*seen.before, (seen.time, seen.signature)]
            # Of what moved unseen, nothing is known but that no shot began in it.
            known = looks[-1:] if seen.blind else looks
            pushed = [turns.push(time, signature) for time, signature in known]
            maybe = [self._sampler.look(signature) for _, signature in known]
            if last is not None:
                self._offer(painter, *last, any(pushed), until=looks[0][0] if seen.blind else seen.time)
            last = (seen, maybe[-1] and not seen.blind)
            for time, signature in looks:
                self._settle(finder.push(time, signature), finder.settled)
            report(seen.time)
        if last is not None:
            self._offer(painter, *last, turned=False, until=max(last[0].time + 1, self._range.end))
        self._settle(finder.finish(), self._range.end)
        self._keep(self._sampler.finish())

    def fetch(self, path: Path, limits: Limits, shot: TimeRange) -> None:
        """Go back for a frame of a shot that has none, where there is one."""
        middle = (shot.start + shot.end) // 2
        best: tuple[Shown, Small] | None = None
        for source, _, frames in frames_from(path, limits, middle):
            painter = Painter(pixel_aspect(source.video.sample_aspect_ratio))
            for shown in frames:
                if shown.time >= shot.end or (best is not None and shown.time > middle):
                    break
                if shown.time >= shot.start:
                    best = (shown, painter.small(shown.frame, self._sampling.side))
        if best is not None:
            self._keep([Kept(SampledFrame(best[0].pts, best[0].time, shot), best[1])])

    def _offer(self, painter: Painter, seen: Seen, spare: bool, turned: bool, until: int) -> None:
        if not self._range.start <= seen.time < self._range.end:
            return
        place = self._sampler.place(seen.before[0][0] if seen.blind else seen.time, until, turned, spare)
        if not seen.same or not self._standing or not same_picture(*self._standing, seen.signature, seen.fine):
            self._standing = None
        # What stands since a frame that was offered for the grid cannot be kept beside it.
        if place is None or self._standing:
            return
        small = painter.small(seen.shown.frame, self._sampling.side)
        self._sampler.offer(seen.shown.pts, seen.time, seen.signature, seen.fine, small, place)
        if place is Place.GRID:
            self._standing = seen.signature, seen.fine

    def _settle(self, cuts: list[Cut], until: int) -> None:
        inside = [cut for cut in cuts if self._range.contains(cut.time)]
        self.cuts += inside
        self._keep(self._sampler.settle(inside, min(until, self._range.end)))

    def _keep(self, kept: list[Kept[Small]]) -> None:
        for item in kept:
            data = jpeg(finished(item.picture), self._sampling.quality)
            self.kept.append((item.frame, self._tar.add(f"{item.frame.pts}.jpg", data), len(data)))


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
