"""What becomes of a video after it was changed."""

from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.cli.client import Gateway
from services.cli.output import complain, json_line, say
from services.cli.tracks import missing
from services.cli.watching import cause, watch


def changed(gateway: Gateway, video: pb.Video, wait: bool, json: bool) -> int:
    """Say the video's state, with `wait` once what depends on the change has been done again; the exit status."""
    for now in watch(gateway, video.name) if wait else ():
        video = now
    say(json_line(video) if json else f"{video.name}: {pb.Video.State.Name(video.state)}")
    for line in missing(video) if wait else ():
        complain(f"{video.name}: {line}")
    if video.state in (pb.Video.FAILED, pb.Video.CANCELLED) and wait:
        complain(f"{video.name}: {cause(video)}")
        return 1
    return 0
