"""`vidx webhooks`: tell others what happens to videos."""

from itertools import islice

import click

from services.cli.commands import options
from services.cli.output import json_line, say, table, valid


@click.group("webhooks")
def webhooks_command() -> None:
    """Tell other people's web servers when videos are READY, FAILED or deleted; see docs/security.md."""


@webhooks_command.command("create")
@click.argument("url")
@click.option(
    "--event", "events", multiple=True, type=click.Choice(["ready", "failed", "deleted"]), help="All of them."
)
@options.collection
@options.as_json
def create(url: str, events: tuple[str, ...], collection: str, json: bool) -> None:
    """Make a webhook, and print what its messages are signed with: this once, and alone on standard output."""
    from vidx.gateway.v1 import webhook_service_pb2 as pb

    from services.cli.client import collection_name, connect

    hook = pb.Webhook(url=valid(url), events=[f"video.{event}" for event in events])
    with connect() as gateway:
        request = pb.CreateWebhookRequest(parent=collection_name(collection), webhook=hook)
        made = gateway.call(gateway.webhooks.CreateWebhook, request)
    say(json_line(made) if json else made.secret)
    if not json:
        click.echo(f"{made.webhook.name}: this is the only time that its secret is shown", err=True)


@webhooks_command.command("list")
@options.collection
@options.as_json
def list_(collection: str, json: bool) -> None:
    """A collection's webhooks."""
    from vidx.gateway.v1 import webhook_service_pb2 as pb

    from services.cli.client import collection_name, connect

    with connect() as gateway:
        request = pb.ListWebhooksRequest(parent=collection_name(collection))
        found = gateway.call(gateway.webhooks.ListWebhooks, request).webhooks
    if json:
        for one in found:
            say(json_line(one))
        return
    table(["webhook", "events", "url"], [(one.name, ", ".join(one.events), one.url) for one in found])


@webhooks_command.command("delete")
@click.argument("webhook")
def delete(webhook: str) -> None:
    """Delete WEBHOOK, by its full name, and what of it is still to be sent."""
    from vidx.gateway.v1 import webhook_service_pb2 as pb

    from services.cli.client import connect

    with connect() as gateway:
        gateway.call(gateway.webhooks.DeleteWebhook, pb.DeleteWebhookRequest(name=valid(webhook)))
    say(f"{valid(webhook)} is deleted")


@webhooks_command.command("deliveries")
@click.argument("webhook")
@click.option("--state", type=click.Choice(["waiting", "delivered", "failed"]), help="Only those.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@options.as_json
def deliveries(webhook: str, state: str | None, limit: int, json: bool) -> None:
    """The messages of WEBHOOK, by its full name, newest first."""
    from vidx.gateway.v1 import webhook_service_pb2 as pb

    from services.cli.client import connect

    request = pb.ListDeliveriesRequest(parent=valid(webhook), page_size=min(limit, 1000))
    if state:
        request.state = pb.Delivery.State.Value(state.upper())
    with connect() as gateway:
        pages = gateway.pages(gateway.webhooks.ListDeliveries, request)
        found = list(islice((one for page in pages for one in page.deliveries), limit))
    if json:
        for one in found:
            say(json_line(one))
        return
    rows = [
        (one.name, one.event, one.video, pb.Delivery.State.Name(one.state), str(one.tries), one.error) for one in found
    ]
    table(["delivery", "event", "video", "state", "tries", "error"], rows)


@webhooks_command.command("redeliver")
@click.argument("delivery")
@options.as_json
def redeliver(delivery: str, json: bool) -> None:
    """Send DELIVERY, by its full name, again."""
    from vidx.gateway.v1 import webhook_service_pb2 as pb

    from services.cli.client import connect

    with connect() as gateway:
        found = gateway.call(gateway.webhooks.RedeliverDelivery, pb.RedeliverDeliveryRequest(name=valid(delivery)))
    say(json_line(found) if json else f"{found.name} is sent again")
