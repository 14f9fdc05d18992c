"""The gateway as the commands see it: a stub, deadlines, pages, and errors that say what to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from vidx.gateway.v1 import video_index_service_pb2_grpc as rpc
from vidx.gateway.v1.access_service_pb2_grpc import AccessServiceStub
from vidx.gateway.v1.status_service_pb2_grpc import StatusServiceStub
from vidx.gateway.v1.webhook_service_pb2_grpc import WebhookServiceStub

from services.core.errors import Cancelled, InvalidInput, TimedOut, Unavailable, VidxError
from services.core.names import CollectionName, VideoName, check_id
from services.runtime import grpc_client, grpc_errors
from services.runtime.settings import ClientSettings, is_loopback, read

CALL_S = 60.0
T = TypeVar("T")


class Gateway:
    """A gateway. `stub` has its methods, `streams` the same for UploadVideo and WatchVideo, whose callers try again;
    `access` those about keys, quotas and the audit log, `webhooks` about webhooks, `status` how the platform is.

    Use `call` for unary methods, and `errors` around streams and futures.
    """

    def __init__(self, address: str, settings: ClientSettings = grpc_client.PLAIN, key: str = "") -> None:
        self.address = address
        self._channel = grpc_client.channel(address, settings)
        self._unretried = grpc_client.channel(address, settings, retries=False)
        self.stub = rpc.VideoIndexServiceStub(grpc_client.with_key(self._channel, key))
        self.streams = rpc.VideoIndexServiceStub(grpc_client.with_key(self._unretried, key))
        self.access = AccessServiceStub(grpc_client.with_key(self._channel, key))
        self.webhooks = WebhookServiceStub(grpc_client.with_key(self._channel, key))
        self.status = StatusServiceStub(grpc_client.with_key(self._channel, key))

    def call(self, method: Callable[..., T], request: Any, timeout_s: float = CALL_S) -> T:
        """The answer of a unary method, or the platform's error."""
        with self.errors():
            return method(request, timeout=timeout_s)

    def pages(self, method: Callable[..., T], request: Any) -> Iterator[T]:
        """Every page of a List or Search method."""
        while True:
            page: Any = self.call(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn a failed call inside into the platform's error."""
        try:
            yield
        except grpc.RpcError as error:
            raise self._error(error) from error

    def close(self) -> None:
        self._channel.close()
        self._unretried.close()

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _error(self, error: grpc.RpcError) -> VidxError:
        known = grpc_errors.from_call(error)
        # An answer of the platform's own says what happened; without one nobody was there to give it.
        answered = any(key == "grpc-status-details-bin" for key, _ in _trailers(error))
        if isinstance(known, TimedOut) and not answered:
            return TimedOut(f"the gateway at {self.address} did not answer in time")
        # A gateway that stops cancels what is under way; to the caller it is away for a moment.
        if isinstance(known, Unavailable | Cancelled) and not answered:
            return Unavailable(
                f"no answer from the gateway at {self.address}: is the platform running? start it with `vidx up`"
            )
        return known


def connect() -> Gateway:
    """The gateway of VIDX_ADDRESS, or of the platform on this machine."""
    from services.cli.home import api_key, gateway_address

    address, settings, key = gateway_address(), read(ClientSettings), api_key()
    if key and not (settings.tls_ca or settings.insecure or is_loopback(address)):
        raise InvalidInput(
            f"{address} is another machine, and the key would go there in plain text: set VIDX_CLIENT_TLS_CA to the"
            " file of its CA, or to `system`; or VIDX_CLIENT_INSECURE=true if something else protects the way"
        )
    return Gateway(address, settings, key)


def video_name(text: str, collection: str) -> str:
    """A video's full name, from itself or from its id in a collection."""
    if "/" in text:
        return str(VideoName.parse(text))
    return str(VideoName(check_id(collection, "collection"), check_id(text, "name")))


def collection_name(text: str) -> str:
    """A collection's full name, from itself or from its id."""
    return str(CollectionName.parse(text)) if "/" in text else str(CollectionName(check_id(text, "collection")))


def _trailers(error: grpc.RpcError) -> tuple[Any, ...]:
    return tuple(error.trailing_metadata() or ()) if isinstance(error, grpc.Call) else ()
