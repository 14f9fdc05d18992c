"""`vidx collections`: create, list, labels, delete."""

from typing import BinaryIO

import click

from services.cli.commands import options
from services.cli.output import json_line, printable, say, table, valid

MAX_FILE = 1 << 20
"""Bytes of a file with labels."""


@click.group("collections")
def collections_command() -> None:
    """Create, list, label and delete collections."""


@collections_command.command("create")
@click.argument("collection")
@click.option("--shot-label", "labels", multiple=True, metavar="L", help="Looked for in every shot; may be repeated.")
@options.as_json
def create(collection: str, labels: tuple[str, ...], json: bool) -> None:
    """Create a collection: its id is 1 to 63 of a-z, 0-9 and -."""
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import collection_name, connect

    id_ = collection_name(collection).split("/")[1]
    with connect() as gateway:
        request = pb.CreateCollectionRequest(collection_id=id_, shot_labels=map(valid, labels))
        made = gateway.call(gateway.stub.CreateCollection, request)
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


@collections_command.command("labels")
@click.argument("collection")
@click.argument("labels", nargs=-1, metavar="[LABEL]...")
@click.option("--file", type=click.File("rb"), metavar="F", help="A file with a label a line.")
@click.option("--clear", is_flag=True, help="Look for none.")
@options.as_json
def labels(collection: str, labels: tuple[str, ...], file: BinaryIO | None, clear: bool, json: bool) -> None:
    """The labels that are looked for in every shot of a collection, or other ones in their place.

    A label is a few words, such as "forklift" or "a person with a helmet". The videos that are there are looked through
    anew. `vidx search --shot-label` finds the shots that carry one, `vidx captions` shows them.
    """
    from vidx.gateway.v1 import video_index_service_pb2 as pb

    from services.cli.client import collection_name, connect

    lines = file.read(MAX_FILE).decode("utf-8", "replace").splitlines() if file else []
    wanted = [valid(label) for label in labels] + [line.strip() for line in lines if line.strip()]
    if clear and wanted:
        raise click.UsageError("--clear takes no labels")
    if file and not wanted:
        raise click.UsageError("the file holds no label; --clear looks for none")
    name = collection_name(collection)
    with connect() as gateway:
        if wanted or clear:
            update = pb.UpdateCollectionRequest(collection=pb.Collection(name=name, shot_labels=wanted))
            update.update_mask.paths.append("shot_labels")
            found = gateway.call(gateway.stub.UpdateCollection, update)
        else:
            found = gateway.call(gateway.stub.GetCollection, pb.GetCollectionRequest(name=name))
    if json:
        say(json_line(found))
        return
    for label in found.shot_labels:
        say(printable(label))


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
