"""`vidx audit`: who changed what, or tried to."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import click

from services.cli.commands import options
from services.cli.output import json_line, say, table, valid


@click.command("audit")
@click.option("--collection", "-c", metavar="C", help="Only what was about it; the whole platform.")
@click.option("--actor", default="", metavar="A", help="Only of keys/ID, users/SUBJECT or local.")
@click.option(
    "--method", default="", metavar="M", help="Only of a method: its name, such as DeleteVideo, or all of it."
)
@click.option("--since", callback=options.span, metavar="TIME", help="Only of the last 30m, 12h, 7d.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@options.as_json
def audit_command(
    collection: str | None, actor: str, method: str, since: timedelta | None, limit: int, json: bool
) -> None:
    """Who changed what, or tried to, newest first. What was only read is not kept."""
    from vidx.gateway.v1 import access_service_pb2 as pb

    from services.cli.client import collection_name, connect

    request = pb.ListAuditEventsRequest(
        parent=collection_name(collection) if collection else "collections/-",
        actor=valid(actor),
        method=_full(valid(method)),
        page_size=min(limit, 1000),
    )
    if since is not None:
        request.begin_time.FromDatetime(datetime.now(UTC) - since)
    with connect() as gateway:
        pages = gateway.pages(gateway.access.ListAuditEvents, request)
        found = list(islice((event for page in pages for event in page.events), limit))
    if json:
        for event in found:
            say(json_line(event))
        return
    rows = [
        (e.time.ToJsonString(), e.actor, e.method.split("/")[-1], e.outcome, ", ".join(e.resources), e.peer)
        for e in found
    ]
    table(["time", "actor", "method", "outcome", "resources", "from"], rows)


def _full(method: str) -> str:
    """The full name of a method of either service."""
    from vidx.gateway.v1 import access_service_pb2, video_index_service_pb2

    for descriptor in (video_index_service_pb2.DESCRIPTOR, access_service_pb2.DESCRIPTOR):
        for service in descriptor.services_by_name.values():
            if method in service.methods_by_name:
                return f"{service.full_name}/{method}"
    return method
