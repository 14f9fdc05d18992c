"""How a service process runs: its roles, its doors, its orderly end."""

import argparse
import gc
import sys
from collections.abc import Mapping, Sequence

from google.protobuf.descriptor import ServiceDescriptor

from services.core.errors import VidxError
from services.core.jobs import Handler
from services.runtime import metrics, pages, telemetry, tracing, worker
from services.runtime.grpc_server import Register, asked_to_end, create_server
from services.runtime.queue import celery_app
from services.runtime.settings import Metrics, QueueSettings, ServerSettings, Telemetry, Tracing, WorkerSettings, read


def begin(service: str) -> None:
    """What every process does first: logs, traces, metrics, as the environment says."""
    telemetry.configure(service, read(Telemetry))
    tracing.configure(service, read(Tracing))
    try:
        metrics.serve(read(Metrics))
    except VidxError as error:
        sys.exit(f"{service} cannot start: {error.message}")


def settle() -> None:
    """What every process does last before it works: spare the collector what it holds for its life.

    Looking through that stops every thread of the process for 50 to 100 ms.
    """
    gc.collect()
    gc.freeze()
    pages.collapse()


_ROLES = {"serve": "the gRPC server", "work": "takes jobs from the queue", "all": "both in one process"}


def role(service: str, roles: Sequence[str] = ("serve", "work", "all")) -> str:
    """The role that the command line asks for, of those that the service has; the last when it asks for none."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    parser.add_argument(
        "--role",
        choices=roles,
        default=roles[-1],
        help=f"{'; '.join(f'{one}: {_ROLES[one]}' for one in roles)}; {roles[-1]} by default",
    )
    chosen: str = parser.parse_args().role
    return chosen


def run(
    service: str,
    chosen: str,
    services: Sequence[tuple[ServiceDescriptor, Register]],
    steps: Mapping[str, Handler],
    concurrency: int,
) -> None:
    """Open the doors of the role, and serve until SIGTERM."""
    asked = asked_to_end() if chosen == "serve" else None
    server = None
    if chosen in ("serve", "all"):
        try:
            server = create_server(read(ServerSettings), services)
        except VidxError as error:
            sys.exit(f"{service} cannot start: {error.message}")
    if asked is not None and server is not None:
        settle()
        server.serve_until(asked)
        return
    app = celery_app(read(QueueSettings))
    worker.register(app, steps)
    settle()
    worker.run(app, service, concurrency, read(WorkerSettings).alive)
    if server is not None:
        server.stop()
