"""Tracks as people write them, and what is said of those that a video lacks."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vidx.gateway.v1 import video_index_service_pb2 as gateway_pb2
    from vidx.search.v1 import search_service_pb2 as search_pb2

TRACKS = ("visual", "speech", "on-screen-text", "caption", "title")


class Track(click.Choice[str]):
    """One of TRACKS, in the API's spelling too."""

    def __init__(self) -> None:
        super().__init__(TRACKS)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(_plain(str(value)), param, ctx)


class Weight(click.ParamType[tuple[str, float]]):
    """TRACK=W"""

    name = "track=weight"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        if isinstance(value, tuple):
            return value[0], value[1]
        track, _, number = _plain(str(value)).partition("=")
        try:
            weight = float(number)
        except ValueError:
            weight = 0.0
        if track not in TRACKS or not 0 < weight <= 1:
            rule = f"TRACK=W with W above 0 and at most 1, TRACK one of {', '.join(TRACKS)}"
            self.fail(f"{str(value)[:80]!r} is not {rule}", param, ctx)
        return track, weight


def weights(tracks: tuple[str, ...], given: tuple[tuple[str, float], ...]) -> "Iterator[search_pb2.TrackWeight]":
    """What Search is asked: the tracks to look in, all when none is named, each with its weight where one was given."""
    from vidx.media.v1 import text_pb2
    from vidx.search.v1 import search_service_pb2 as search_pb2

    by_track = dict(given)
    named = dict.fromkeys(tracks) if tracks else dict.fromkeys(TRACKS if by_track else ())
    if stray := set(by_track) - set(named):
        raise click.UsageError(f"--weight of {', '.join(sorted(stray))}, which no --track names")
    for track in named:
        number = text_pb2.Track.Value(track.upper().replace("-", "_"))
        yield search_pb2.TrackWeight(track=number, weight=by_track.get(track, 0.0))


def _plain(track: str) -> str:
    return track.lower().replace("_", "-")


def word(track: int) -> str:
    """A track's name, such as "on-screen-text"."""
    from vidx.media.v1 import text_pb2

    known = track in text_pb2.Track.values()
    return text_pb2.Track.Name(text_pb2.Track.ValueType(track)).lower().replace("_", "-") if known else str(track)


def missing(video: "gateway_pb2.Video") -> list[str]:
    """A line a track that a video lacks, and one a stage beside that gave less than it should: why, and what to do."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    told = {lost.error.stage for lost in video.missing_tracks}
    lacks = [(f"without {word(lost.track)}", lost.error) for lost in video.missing_tracks]
    lacks += [
        (f"{stage.stage} incomplete", stage.error)
        for stage in video.stages
        if stage.state == pb.Stage.INCOMPLETE and stage.stage not in told
    ]
    return [f"{what}: {e.reason}: {e.message}; {again(video.name, e.stage)}" for what, e in lacks]


def again(name: str, stage: str) -> str:
    """What to do about a stage that gave less than it should."""
    return f"`vidx retry {name} --stage {stage}` tries again"
