"""`vidx index`: add videos, and wait for them."""

import contextlib
import sys
from concurrent.futures import Future
from typing import TYPE_CHECKING

import click

from services.cli.commands import options
from services.cli.inputs import Label, sources, subtitle_file
from services.cli.output import complain, json_line, printable, say
from services.core.errors import AlreadyExists, NotFound, VidxError

if TYPE_CHECKING:
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import Gateway


@click.command("index")
@click.argument("items", nargs=-1, required=True, metavar="FILE_OR_URI_OR_FOLDER...")
@options.collection
@click.option("--title", default="", help="Of one video; its file's name when not given.")
@click.option("--label", "labels", multiple=True, type=Label(), help="Said of each video; may be repeated.")
@click.option("--subtitles", type=click.Path(), help="A subtitle file of one video: .srt .vtt .ttml .ass .ssa")
@click.option("--wait", is_flag=True, help="Until each video is READY, or has FAILED.")
@click.option("--duplicate", is_flag=True, help="Add a video again whose bytes are in the collection already.")
@click.option("--parallel", type=click.IntRange(1, 16), default=4, show_default=True, help="Uploads at a time.")
@options.as_json
def index_command(
    items: tuple[str, ...],
    collection: str,
    title: str,
    labels: tuple[tuple[str, str], ...],
    subtitles: str | None,
    wait: bool,
    duplicate: bool,
    parallel: int,
    json: bool,
) -> int:
    """Add videos to a collection, which is created when it is not there.

    Folders are walked for video files. The same command given again goes on with what was broken off, and the same
    bytes are one video of a collection.
    """
    found = list(dict.fromkeys(sources(items)))
    if title and len(found) > 1:
        raise click.UsageError(f"--title is for one video, and here are {len(found)}")
    if subtitles and len(found) > 1:
        raise click.UsageError(f"--subtitles is for one video, and here are {len(found)}")

    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.adding import Adder, Order
    from services.cli.client import collection_name, connect
    from services.cli.progress import board

    spec = pb.VideoSpec(title=printable(title), labels=dict(labels), allow_duplicate=duplicate)
    if subtitles:
        spec.subtitles.CopyFrom(subtitle_file(subtitles))
    parent = collection_name(collection)
    with connect() as gateway:
        _ensure(gateway, parent)
        shown = board(json)
        adder = Adder(gateway, Order(parent, spec, wait, parallel), shown)
        try:
            results = [(source, adder.add(source)) for source in found]
            outcomes = [_outcome(source, result, wait, json) for source, result in results]
        except BaseException:
            adder.stop()
            raise
        finally:
            shown.close()
    return 0 if all(outcomes) else 1


def _ensure(gateway: "Gateway", parent: str) -> None:
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    try:
        gateway.call(gateway.stub.GetCollection, pb.GetCollectionRequest(name=parent))
    except NotFound:
        # Only now: who may add videos to a collection need not be one who may make it.
        request = pb.CreateCollectionRequest(collection_id=parent.split("/")[1])
        with contextlib.suppress(AlreadyExists):
            gateway.call(gateway.stub.CreateCollection, request)


def _outcome(source: str, result: "Future[pb.Video]", wait: bool, json: bool) -> bool:
    """Print what became of a source; True when that is what was asked for."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.tracks import missing
    from services.cli.watching import cause

    try:
        video = result.result()
    except VidxError as error:
        complain(f"{printable(source)}: {error.reason}: {error.message}")
        return False
    except OSError as error:
        complain(f"{printable(source)}: {error.strerror or error}")
        return False
    if json:
        say(json_line(video))
    if video.state in (pb.Video.FAILED, pb.Video.CANCELLED) or (wait and video.state != pb.Video.READY):
        complain(f"{printable(source)}: {cause(video)} ({video.name})")
        return False
    for line in missing(video) if wait else ():
        complain(f"{printable(source)}: {line}")
    sys.stdout.flush()
    return True
