"""`vidx collections`: create, list, delete."""

import click

from services.cli.commands import options
from services.cli.output import json_line, say, table


@click.group("collections")
def collections_command() -> None:
    """Create, list and delete collections."""


@collections_command.command("create")
@click.argument("collection")
@options.as_json
def create(collection: str, json: bool) -> None:
    """Create a collection: its id is 1 to 63 of a-z, 0-9 and -."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import collection_name, connect

    id_ = collection_name(collection).split("/")[1]
    with connect() as gateway:
        made = gateway.call(gateway.stub.CreateCollection, pb.CreateCollectionRequest(collection_id=id_))
    say(json_line(made) if json else made.name)


@collections_command.command("list")
@options.as_json
def list_(json: bool) -> None:
    """All collections, by name."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import connect

    request = pb.ListCollectionsRequest(page_size=1000)
    with connect() as gateway:
        found = [c for page in gateway.pages(gateway.stub.ListCollections, request) for c in page.collections]
    if json:
        for one in found:
            say(json_line(one))
        return
    table(
        ["collection", "videos", "created"],
        [(c.name.split("/")[1], c.video_count, c.create_time.ToJsonString()) for c in found],
    )


@collections_command.command("delete")
@click.argument("collection")
@click.option("--force", is_flag=True, help="With the videos in it.")
@options.as_json
def delete(collection: str, force: bool, json: bool) -> None:
    """Delete a collection; one that holds videos only with --force."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import collection_name, connect
    from services.cli.output import removed

    name = collection_name(collection)
    with connect() as gateway:
        request = pb.DeleteCollectionRequest(name=name, force=force)
        answer = gateway.call(gateway.stub.DeleteCollection, request, timeout_s=600)
    say(json_line(answer) if json else f"{name}: {removed(answer.removed)}")
