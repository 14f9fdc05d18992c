"""Proto in, proto out: what does not fit between catalog, store and index."""

import threading
from collections.abc import Callable, Iterator

import grpc
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.core.errors import Exhausted
from services.pipeline.doctor import Doctor

OpenDoctor = Callable[[bool], Doctor]
"""An examination that is deep, or not."""


class DoctorRpc:
    """The methods of the public service that keep it sound."""

    def __init__(self, doctor: OpenDoctor) -> None:
        self._doctor = doctor
        self._under_way = threading.Lock()

    def Diagnose(  # noqa: N802
        self, request: pb.DiagnoseRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.DiagnoseResponse]:
        if not self._under_way.acquire(blocking=False):
            raise Exhausted("another examination is under way; try again when it has ended")
        try:
            doctor = self._doctor(request.deep)
            for finding in doctor.examine():
                mended = request.fix and finding.mend is not None
                if mended and finding.mend:
                    finding.mend()
                problem = pb.Finding.Problem.Value(finding.problem.value)
                told = pb.Finding(problem=problem, name=finding.name, detail=finding.detail, mended=mended)
                told.mendable = finding.mend is not None
                yield pb.DiagnoseResponse(finding=told)
            looked = doctor.looked
            totals = pb.Examined(videos=looked.videos, objects=looked.objects, rows=looked.rows)
            yield pb.DiagnoseResponse(examined=totals)
        finally:
            self._under_way.release()
