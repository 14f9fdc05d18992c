"""Commands about videos that are there: shots, get, list, watch, retry, cancel, delete, url, frame."""

import click

from services.cli.commands import options
from services.cli.files import whole
from services.cli.inputs import Length, Time
from services.cli.output import clock, complain, json_line, one_line, removed, say, span, table, video_lines
from services.core.errors import VidxError
from services.core.times import SECOND

_STATES = ["PROCESSING", "READY", "FAILED", "CANCELLED", "DELETING"]


@click.command("shots")
@options.name
@options.as_json
def shots_command(name: str, collection: str, json: bool) -> None:
    """The shots of a video, in order; with --json one message with all of them."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb
    from vidx.media.v1 import media_pb2

    from services.cli.client import connect, video_name

    request = pb.ListShotsRequest(parent=video_name(name, collection), page_size=10_000)
    with connect() as gateway:
        shots = [shot for page in gateway.pages(gateway.stub.ListShots, request) for shot in page.shots]
    if json:
        say(json_line(pb.ListShotsResponse(shots=shots)))
        return
    kind = media_pb2.Shot.Transition
    table(["shot", "range", "begins with"], [(s.index, span(s.range), kind.Name(s.transition).lower()) for s in shots])


@click.command("get")
@options.name
@options.as_json
def get_command(name: str, collection: str, json: bool) -> None:
    """One video: state, stages, error."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect, video_name

    with connect() as gateway:
        video = gateway.call(gateway.stub.GetVideo, pb.GetVideoRequest(name=video_name(name, collection)))
    if json:
        say(json_line(video))
        return
    for line in video_lines(video):
        say(line)


@click.command("list")
@options.collection
@click.option("--state", type=click.Choice(_STATES, case_sensitive=False), help="Only videos in it.")
@options.as_json
def list_command(collection: str, state: str | None, json: bool) -> None:
    """The videos of a collection, newest first, each with why it FAILED or what is missing of it."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import collection_name, connect
    from services.cli.tracks import missing
    from services.cli.watching import cause

    wanted = pb.Video.State.Value(state.upper()) if state else pb.Video.STATE_UNSPECIFIED
    request = pb.ListVideosRequest(parent=collection_name(collection), page_size=1000, state=wanted)
    rows = []
    with connect() as gateway:
        for page in gateway.pages(gateway.stub.ListVideos, request):
            for v in page.videos:
                if json:
                    say(json_line(v))
                    continue
                why = cause(v) if v.state == pb.Video.FAILED else "; ".join(missing(v))
                rows.append((v.name, pb.Video.State.Name(v.state), clock(v.duration), v.title, one_line(why)))
    if not json:
        table(["video", "state", "duration", "title", "cause"], rows)


@click.command("watch")
@options.name
@options.as_json
def watch_command(name: str, collection: str, json: bool) -> int:
    """Follow a video to its end; the exit status is 0 when it is READY."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect, video_name
    from services.cli.progress import board
    from services.cli.tracks import missing
    from services.cli.watching import cause, doing, fraction, watch

    full = video_name(name, collection)
    shown = board(json)
    try:
        with connect() as gateway:
            for video in watch(gateway, full):
                shown.show(full, doing(video), fraction(video))
                if json:
                    say(json_line(video))
    finally:
        shown.close()
    if video.state == pb.Video.READY:
        for line in missing(video):
            complain(f"{full}: {line}")
        return 0
    complain(f"{full}: {cause(video)}")
    return 1


@click.command("retry")
@options.name
@click.option("--stage", default="", help="Do this stage again, and what depends on it.")
@click.option("--wait", is_flag=True, help="Until it has been done.")
@options.as_json
def retry_command(name: str, collection: str, stage: str, wait: bool, json: bool) -> int:
    """Start a FAILED or CANCELLED video again, or fill in what a READY one lacks; or do a stage of it again."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.changing import changed
    from services.cli.client import connect, video_name

    with connect() as gateway:
        request = pb.RetryVideoRequest(name=video_name(name, collection), stage=stage)
        return changed(gateway, gateway.call(gateway.stub.RetryVideo, request), wait, json)


@click.command("cancel")
@options.name
@options.as_json
def cancel_command(name: str, collection: str, json: bool) -> None:
    """Stop the work on a video."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect, video_name

    with connect() as gateway:
        video = gateway.call(gateway.stub.CancelVideo, pb.CancelVideoRequest(name=video_name(name, collection)))
    say(json_line(video) if json else f"{video.name}: {pb.Video.State.Name(video.state)}")


@click.command("delete")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.collection
@options.as_json
def delete_command(names: tuple[str, ...], collection: str, json: bool) -> int:
    """Remove videos: source, artifacts, rows of the index and catalog entry."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect, video_name

    failed = False
    with connect() as gateway:
        for name in names:
            try:
                request = pb.DeleteVideoRequest(name=video_name(name, collection))
                answer = gateway.call(gateway.stub.DeleteVideo, request, timeout_s=600)
            except VidxError as error:
                failed = True
                complain(f"{one_line(name)}: {error.reason}: {error.message}")
                continue
            say(json_line(answer) if json else f"{request.name}: {removed(answer.removed)}")
    return 1 if failed else 0


@click.command("url")
@options.name
@click.option("--lifetime", type=Length(), default="1h", show_default=True, help="How long it works: 1m to 12h.")
@options.as_json
def url_command(name: str, collection: str, lifetime: int, json: bool) -> None:
    """An address to play a video from, for whoever has it: mpv "$(vidx url NAME)".

    Only where objects lie in an S3 store; a folder has no addresses.
    """
    from google.protobuf.duration_pb2 import Duration
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect, video_name

    lasting = Duration(seconds=lifetime // SECOND, nanos=lifetime % SECOND)
    with connect() as gateway:
        request = pb.GetMediaUrlRequest(name=video_name(name, collection), lifetime=lasting)
        found = gateway.call(gateway.stub.GetMediaUrl, request)
    say(json_line(found) if json else found.url)


@click.command("frame")
@click.argument("name")
@click.argument("time", type=Time())
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False), metavar="F.jpg", help="The file.")
@click.option("--height", type=click.IntRange(0), default=0, help="Most pixels high; 0 for the frame's own.")
@options.collection
def frame_command(name: str, time: int, output: str, height: int, collection: str) -> None:
    """Save the frame shown at TIME (12.5, 12.5s, 2:03, 1:02:03.5) as JPEG."""
    from google.protobuf.duration_pb2 import Duration
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect, video_name

    at = Duration(seconds=time // SECOND, nanos=time % SECOND)
    with connect() as gateway:
        request = pb.GetFrameRequest(name=video_name(name, collection), time=at, max_height=height)
        frame = gateway.call(gateway.stub.GetFrame, request)
    # Beside and renamed, so that the file is the whole picture or is not there.
    with whole(output) as file:
        file.write(frame.jpeg)
    say(f"{one_line(output)}: {len(frame.jpeg)} bytes, shown from {clock(frame.time)}")
