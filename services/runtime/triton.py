"""The one way to a Triton server over gRPC: arrays in, arrays out, a deadline on every call, core errors out."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tenacity
from opentelemetry.trace import SpanKind
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from services.core.errors import Exhausted, Internal, TimedOut, Unavailable, VidxError
from services.runtime import metrics, telemetry, tracing
from services.runtime.grpc_client import BALANCED

Array = npt.NDArray[Any]
MAX_MESSAGE_BYTES = 64 << 20
_BY_STATUS: dict[str, type[VidxError]] = {
    "StatusCode.UNAVAILABLE": Unavailable,
    "StatusCode.DEADLINE_EXCEEDED": TimedOut,
    "StatusCode.RESOURCE_EXHAUSTED": Exhausted,
    "StatusCode.NOT_FOUND": Unavailable,
    "StatusCode.CANCELLED": Unavailable,  # by a server that stops
}
_log = telemetry.log(__name__)


class TritonSettings(BaseSettings):
    """Where Triton is, and how patient its client is."""

    model_config = SettingsConfigDict(env_prefix="VIDX_TRITON_", frozen=True)

    address: str = Field(
        description="host:port of Triton's gRPC door; several servers behind one name, or ipv4:host:port,host:port, "
        "are called in turn"
    )
    timeout_s: float = Field(30.0, gt=0, description="deadline of one inference, its retries included")
    attempts: int = Field(5, ge=1, description="tries of one inference while Triton is UNAVAILABLE")
    start_s: float = Field(60.0, ge=0, description="how long a starting service waits for its models")


@dataclass(frozen=True)
class Tensor:
    """An input or output that a model states: Triton's type name, and its shape with -1 for what varies."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Served:
    """A model as a server states it: versions, tensors by name, and the parameters of its configuration."""

    versions: tuple[str, ...]
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    parameters: Mapping[str, str]
    max_batch: int


class Triton:
    """A client that any number of threads may share."""

    def __init__(self, settings: TritonSettings) -> None:
        self.address = settings.address
        self._settings = settings
        self._client = InferenceServerClient(
            settings.address,
            channel_args=[
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.keepalive_time_ms", 60_000),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 2_000),
                ("grpc.service_config", BALANCED),
                # Every client has a connection of its own; by default gRPC would share one between equal channels.
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Array],
        *,
        outputs: Sequence[str] = (),
        version: str = "",
        timeout_s: float | None = None,
    ) -> dict[str, Array]:
        """A model's outputs by name, read-only arrays: those named, all when none is; of its newest version when none
        is named.

        Tried again with backoff while the server is UNAVAILABLE, all within `timeout_s` (the settings' when None).
        Raises Unavailable, TimedOut, Exhausted, or Internal when the server refuses the inputs.
        """
        limit = self._settings.timeout_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + limit
        request = [_input(name, array) for name, array in inputs.items()]
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda e: type(e) is Unavailable),
            wait=tenacity.wait_exponential_jitter(multiplier=0.1, max=2, jitter=0.1),
            stop=tenacity.stop_after_attempt(self._settings.attempts) | tenacity.stop_before_delay(limit),
            reraise=True,
        ):
            with attempt:
                return self._infer(model, version, request, outputs, max(0.001, deadline - time.monotonic()))
        raise AssertionError("tenacity either returns or raises")

    def _infer(
        self, model: str, version: str, request: list[InferInput], outputs: Sequence[str], timeout_s: float
    ) -> dict[str, Array]:
        wanted = [InferRequestedOutput(name) for name in outputs] or None
        about = {"rpc.system": "grpc", "rpc.service": "triton", "vidx.model": model}
        with (
            tracing.span(f"infer {model}", SpanKind.CLIENT, attributes=about),
            metrics.timed(metrics.MODEL_SECONDS, model),
            _errors(f"model {model} at {self.address}"),
        ):
            # Triton goes on with the trace when it was started with one of its own: --trace-config mode=opentelemetry.
            result = self._client.infer(
                model,
                request,
                model_version=version,
                outputs=wanted,
                client_timeout=timeout_s,
                headers=tracing.carrier() or None,
            )
        return {o.name: result.as_numpy(o.name) for o in result.get_response().outputs}

    def ready(self, timeout_s: float = 2.0) -> bool:
        """True when the server answers and has loaded all its models."""
        try:
            with _errors(self.address):
                return bool(self._client.is_server_ready(client_timeout=timeout_s))
        except VidxError:
            return False

    def served(self, model: str, timeout_s: float = 5.0) -> Served:
        """What the server says of a model. Raises Unavailable when it does not serve it."""
        with _errors(f"model {model} at {self.address}"):
            about = self._client.get_model_metadata(model, client_timeout=timeout_s)
            config = self._client.get_model_config(model, client_timeout=timeout_s).config
        return Served(
            tuple(about.versions),
            {t.name: Tensor(t.datatype, tuple(t.shape)) for t in about.inputs},
            {t.name: Tensor(t.datatype, tuple(t.shape)) for t in about.outputs},
            {name: p.string_value for name, p in config.parameters.items()},
            config.max_batch_size,
        )

    def close(self) -> None:
        """Give the connection back; the client is of no use afterwards."""
        self._client.close()


def _input(name: str, array: Array) -> InferInput:
    tensor = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(np.ascontiguousarray(array))
    return tensor


@contextmanager
def _errors(what: str) -> Iterator[None]:
    try:
        yield
    except InferenceServerException as error:
        raise _rename(error, what) from error


def _rename(error: InferenceServerException, what: str) -> VidxError:
    message = f"Triton, {what}: {error.message()}"
    if "stub process" in message.lower():
        # A model process of the Python backend died: whoever runs Triton has to start it again.
        return Unavailable(message)
    return _BY_STATUS.get(error.status() or "", Internal)(message)
