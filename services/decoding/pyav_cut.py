"""Cuts ranges out of a film and joins them to another, at exact times, with PyAV."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from av.audio.stream import AudioStream

from services.decoding.domain.cutting import TICKS, Part, check_end, stretches, timed
from services.decoding.ports import Limits
from services.decoding.pyav_audio import Form, Samples, samples, sound_of
from services.decoding.pyav_cut_file import FilmFile, written
from services.decoding.pyav_cut_frames import Reel, end_of, open_reel
from services.decoding.pyav_cut_pictures import Canvas
from services.decoding.pyav_frames import Shown
from services.decoding.pyav_open import Source, open_source

RATE = 48_000
AAC_FRAME = 1024
TIDY_EACH = 16
"""Frames after which those that PyAV holds in circles, by what goes beside them, are freed: they are large."""
Picture = tuple[int, int, bool, Shown]
"""Tick at which it begins, ticks that it is shown, whether a part begins with it, and the frame."""


def cut_film(path: Path, limits: Limits, parts: Sequence[Part], max_height: int, most_bytes: int, target: Path) -> None:
    """Write the parts, one after another, as an MP4 of at most so many bytes and lines."""
    check_end(parts, end_of(path, limits, parts[-1].range.end))
    with _few_to_tidy(), ExitStack() as stack:
        source = stack.enter_context(open_source(path, limits))
        pictures = _pictures(stack.enter_context(open_reel(path, limits)), parts)
        first = next(pictures)
        film = stack.enter_context(written(target, most_bytes))
        canvas = Canvas(first[3].frame, source.video.sample_aspect_ratio, max_height)
        film.add_video(canvas.width, canvas.height, source.video.average_rate, first[3].frame)
        sounds: Iterator[Samples] = iter(())
        if heard := sound_of(source):
            form = Form(RATE, 1 if heard[0].channels == 1 else 2, "fltp")
            film.add_sound(form)
            sounds = _framed(_sounds(source, heard[0], parts, form), form)
        _write(film, canvas, first, pictures, sounds)


@contextmanager
def _few_to_tidy() -> Iterator[None]:
    """Makes collecting what is freed here quick: what was there before is left alone meanwhile."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _write(
    film: FilmFile,
    canvas: Canvas,
    first: Picture,
    pictures: Iterator[Picture],
    sounds: Iterator[Samples],
) -> None:
    """Both in order of time, so that nothing waits for the other."""
    picture: Picture | None = first
    sound, heard, painted = next(sounds, None), 0, 0
    while picture is not None or sound is not None:
        if picture is not None and (sound is None or picture[0] * RATE <= heard * TICKS):
            at, length, begins, shown = picture
            film.show(canvas.paint(shown.frame), at, length, begins)
            picture = next(pictures, None)
            painted += 1
            if painted % TIDY_EACH == 0:
                gc.collect()
        elif sound is not None:
            film.sound(sound, heard)
            heard += sound.shape[1]
            sound = next(sounds, None)


def _pictures(reel: Reel, parts: Sequence[Part]) -> Iterator[Picture]:
    for part in parts:
        begins = True
        for at, length, shown in timed(part, ((one.time, one) for one in reel.frames(part.range))):
            yield at, length, begins, shown
            begins = False


def _sounds(source: Source, stream: AudioStream, parts: Sequence[Part], form: Form) -> Iterator[Samples]:
    for part, stretch in zip(parts, stretches(parts, form.rate), strict=True):
        yield from samples(source, stream, part.range, stretch.first, stretch.first + stretch.count, form)


def _framed(chunks: Iterator[Samples], form: Form) -> Iterator[Samples]:
    """The same samples, as many at a time as the encoder takes; fewer at the end."""
    rest = form.silence(0)
    for chunk in chunks:
        rest = np.concatenate([rest, chunk], axis=1)
        while rest.shape[1] >= AAC_FRAME:
            yield np.ascontiguousarray(rest[:, :AAC_FRAME])
            rest = rest[:, AAC_FRAME:]
    if rest.shape[1]:
        yield np.ascontiguousarray(rest)
