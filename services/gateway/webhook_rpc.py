"""Proto in, proto out: webhooks and their messages."""

import grpc
from vidx.gateway.v1 import webhook_service_pb2 as pb
from vidx.gateway.v1.webhook_service_pb2_grpc import WebhookServiceServicer

from services.catalog.models import Delivery, Webhook
from services.core.errors import InvalidInput
from services.core.names import CollectionName, check_id
from services.gateway import pages
from services.gateway.access import callers
from services.pipeline.sending import WebhookSettings, check
from services.pipeline.webhooks import HookName, Webhooks
from services.runtime.media_proto import timestamp

SERVICE = pb.DESCRIPTOR.services_by_name["WebhookService"]


class WebhookRpc(WebhookServiceServicer):
    """The service that tells others what happens."""

    def __init__(self, webhooks: Webhooks, settings: WebhookSettings) -> None:
        self._webhooks = webhooks
        self._settings = settings

    def CreateWebhook(  # noqa: N802
        self, request: pb.CreateWebhookRequest, context: grpc.ServicerContext
    ) -> pb.CreateWebhookResponse:
        parent = CollectionName.parse(request.parent, "parent")
        check(request.webhook.url, self._settings)
        row = self._webhooks.create(parent, request.webhook.url, request.webhook.events)
        made = _webhook(row)
        callers.made(context, made.name)
        return pb.CreateWebhookResponse(webhook=made, secret=row.secret)

    def ListWebhooks(self, request: pb.ListWebhooksRequest, context: grpc.ServicerContext) -> pb.ListWebhooksResponse:  # noqa: N802
        found = self._webhooks.list(CollectionName.parse(request.parent, "parent"))
        return pb.ListWebhooksResponse(webhooks=map(_webhook, found))

    def DeleteWebhook(  # noqa: N802
        self, request: pb.DeleteWebhookRequest, context: grpc.ServicerContext
    ) -> pb.DeleteWebhookResponse:
        self._webhooks.delete(_name(request.name, "name"))
        return pb.DeleteWebhookResponse()

    def ListDeliveries(  # noqa: N802
        self, request: pb.ListDeliveriesRequest, context: grpc.ServicerContext
    ) -> pb.ListDeliveriesResponse:
        name = _name(request.parent, "parent")
        state = _state(request.state) if request.state else ""
        limit = pages.size(request.page_size, 50, 1000)
        bound = [request.parent, state]
        after = pages.position(request.page_token, bound, int, str)
        rows = self._webhooks.deliveries(name, state, limit + 1, (after[0], after[1]) if after else None)
        last = rows[limit - 1] if len(rows) > limit else None
        token = pages.token([last.created, last.id], bound) if last else ""
        return pb.ListDeliveriesResponse(
            deliveries=[_delivery(name, row) for row in rows[:limit]], next_page_token=token
        )

    def RedeliverDelivery(self, request: pb.RedeliverDeliveryRequest, context: grpc.ServicerContext) -> pb.Delivery:  # noqa: N802
        hook, _, last = request.name.rpartition("/deliveries/")
        name = _name(hook, "name")
        return _delivery(name, self._webhooks.redeliver(name, check_id(last, "name")))


def _name(text: str, field: str) -> HookName:
    parent, _, last = text.rpartition("/webhooks/")
    if not parent:
        rule = "collections/{collection}/webhooks/{webhook}"
        raise InvalidInput(f"{field} {text[:120]!r} is not a name of the form {rule}", fields={field: rule})
    return HookName(CollectionName.parse(parent, field), check_id(last, field))


def _state(number: pb.Delivery.State.ValueType) -> str:
    if number not in pb.Delivery.State.values():
        raise InvalidInput(f"no state {number}", fields={"state": "one of Delivery.State"})
    return pb.Delivery.State.Name(number)


def _webhook(row: Webhook) -> pb.Webhook:
    name = HookName(CollectionName(row.collection), row.id)
    return pb.Webhook(name=str(name), url=row.url, events=row.events, create_time=timestamp(row.created))


def _delivery(name: HookName, row: Delivery) -> pb.Delivery:
    return pb.Delivery(
        name=f"{name}/deliveries/{row.id}",
        event=row.event,
        video=row.video,
        state=pb.Delivery.State.Value(row.state),
        tries=row.tries,
        status=row.status,
        error=row.error,
        create_time=timestamp(row.created),
        next_time=timestamp(max(row.not_before, row.created)) if row.state == "WAITING" else None,
        end_time=timestamp(row.ended) if row.ended else None,
    )
