"""A stage's units of work over gRPC, for a caller with a pipeline of his own."""

from collections.abc import Mapping

import grpc
from vidx.media.v1 import media_pb2 as pb

from services.core.errors import Cancelled, InvalidInput
from services.core.jobs import Handler
from services.runtime.media_proto import job_from, outputs_to


def run(steps: Mapping[str, Handler], message: pb.Job, context: grpc.ServicerContext) -> pb.Outputs:
    """Do the job as a worker would, and stop when the caller has gone. Raises InvalidInput for an unknown step."""
    job = job_from(message)
    handler = steps.get(job.step)
    if handler is None:
        rule = f"one of {', '.join(sorted(steps))}"
        raise InvalidInput(f"job.step {job.step[:80]!r} is not {rule}", fields={"job.step": rule})

    def progress(done: int, total: int) -> None:
        if not context.is_active():
            raise Cancelled("the caller has gone")

    return outputs_to(handler(job, progress))
