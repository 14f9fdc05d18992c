"""OpenTimelineIO: one clip, a marker a chapter."""

from collections.abc import Sequence

import opentimelineio as otio

from services.chaptering.domain.film import Film
from services.chaptering.domain.listing import titles
from services.chaptering.formats.edl import frame
from services.core.chapters import Chapter


def write(chapters: Sequence[Chapter], film: Film) -> str:
    """A timeline in frames of the film's rate; exact times are in each marker's metadata, in nanoseconds."""
    rate = float(film.rate)

    def span(start: int, end: int) -> otio.opentime.TimeRange:
        first, last = frame(start, film.rate), frame(end, film.rate)
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(first, rate), otio.opentime.RationalTime(max(1, last - first), rate)
        )

    whole = span(0, chapters[-1].range.end)
    media = otio.schema.MissingReference(available_range=whole)
    if film.address:
        media = otio.schema.ExternalReference(target_url=film.address, available_range=whole)
    clip = otio.schema.Clip(name=film.title or "Video", media_reference=media, source_range=whole)
    for chapter, title in zip(chapters, titles(chapters), strict=True):
        exact = {"vidx": {"start_ns": chapter.range.start, "end_ns": chapter.range.end, "locked": chapter.locked}}
        marked = span(chapter.range.start, chapter.range.end)
        clip.markers.append(otio.schema.Marker(name=title, marked_range=marked, metadata=exact))
    track = otio.schema.Track(name="Chapters", kind=otio.schema.TrackKind.Video, children=[clip])
    timeline = otio.schema.Timeline(name=film.title or "Video", tracks=[track])
    text: str = otio.adapters.write_to_string(timeline, "otio_json")
    return text
