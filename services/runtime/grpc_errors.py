"""One table between the platform's errors and gRPC status, used both ways."""

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.core import errors as e

DOMAIN = "vidx"
MAX_TEXT = 500

CODES: dict[type[e.VidxError], grpc.StatusCode] = {
    e.VidxError: grpc.StatusCode.INTERNAL,
    e.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    e.ChecksumMismatch: grpc.StatusCode.DATA_LOSS,
    e.BadMedia: grpc.StatusCode.INVALID_ARGUMENT,
    e.NoVideoStream: grpc.StatusCode.INVALID_ARGUMENT,
    e.MediaLimit: grpc.StatusCode.INVALID_ARGUMENT,
    e.NotFound: grpc.StatusCode.NOT_FOUND,
    e.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    e.Conflict: grpc.StatusCode.FAILED_PRECONDITION,
    e.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    e.Outdated: grpc.StatusCode.ABORTED,
    e.Denied: grpc.StatusCode.PERMISSION_DENIED,
    e.Cancelled: grpc.StatusCode.CANCELLED,
    e.Exhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    e.StorageFull: grpc.StatusCode.RESOURCE_EXHAUSTED,
    e.QuotaExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    e.Unavailable: grpc.StatusCode.UNAVAILABLE,
    e.TimedOut: grpc.StatusCode.DEADLINE_EXCEEDED,
    e.Internal: grpc.StatusCode.INTERNAL,
    e.WorkerLost: grpc.StatusCode.ABORTED,
    e.Incomplete: grpc.StatusCode.ABORTED,
}
_BY_REASON = {cls.reason: cls for cls in CODES if cls is not e.VidxError}
_BY_CODE: dict[grpc.StatusCode, type[e.VidxError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: e.InvalidInput,
    grpc.StatusCode.OUT_OF_RANGE: e.InvalidInput,
    grpc.StatusCode.NOT_FOUND: e.NotFound,
    grpc.StatusCode.ALREADY_EXISTS: e.AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: e.Conflict,
    grpc.StatusCode.UNAUTHENTICATED: e.Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: e.Denied,
    grpc.StatusCode.CANCELLED: e.Cancelled,
    grpc.StatusCode.RESOURCE_EXHAUSTED: e.Exhausted,
    grpc.StatusCode.UNAVAILABLE: e.Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: e.TimedOut,
}


def to_status(error: e.VidxError) -> status_pb2.Status:
    """The status that a server answers with: code, message, ErrorInfo and what there is of BadRequest for bad fields,
    QuotaFailure, and RetryInfo.
    """
    details = [_any(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN))]
    if isinstance(error, e.QuotaExceeded):
        failure = error_details_pb2.QuotaFailure()
        for subject, text in error.fields.items():
            failure.violations.add(subject=_short(subject), description=_short(text))
        details.append(_any(failure))
        if error.retry_s is not None:
            retry = error_details_pb2.RetryInfo()
            retry.retry_delay.FromNanoseconds(int(error.retry_s * 1e9))
            details.append(_any(retry))
    elif error.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=_short(name), description=_short(text))
            for name, text in error.fields.items()
        ]
        details.append(_any(error_details_pb2.BadRequest(field_violations=violations)))
    return status_pb2.Status(code=CODES[type(error)].value[0], message=_short(error.message), details=details)


def _any(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _short(text: str) -> str:
    """A text that fits a trailer; gRPC drops the status whose trailers are longer than 8 KiB."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def from_call(call: grpc.RpcError) -> e.VidxError:
    """The error that a failed call stands for, by its ErrorInfo or else by its code."""
    if not isinstance(call, grpc.Call):
        return e.Unavailable(str(call))
    message = call.details() or call.code().name
    fields: dict[str, str] = {}
    retry_s: float | None = None
    cls: type[e.VidxError] | None = None
    try:
        status = rpc_status.from_call(call)
    except ValueError:
        status = None
    for detail in status.details if status else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        failure, retry = error_details_pb2.QuotaFailure(), error_details_pb2.RetryInfo()
        if detail.Unpack(info) and info.domain == DOMAIN:
            cls = _BY_REASON.get(info.reason)
        elif detail.Unpack(bad):
            fields = {v.field: v.description for v in bad.field_violations}
        elif detail.Unpack(failure):
            fields = {v.subject: v.description for v in failure.violations}
        elif detail.Unpack(retry):
            retry_s = retry.retry_delay.ToNanoseconds() / 1e9
    if cls is e.QuotaExceeded:
        return e.QuotaExceeded(message, fields=fields, retry_s=retry_s)
    return (cls or _BY_CODE.get(call.code(), e.Internal))(message, fields=fields)
