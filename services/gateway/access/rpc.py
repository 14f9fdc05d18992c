"""Proto in, proto out: keys, quotas, the audit log."""

import grpc
from vidx.access.v1 import rule_pb2
from vidx.gateway.v1 import access_service_pb2 as pb
from vidx.gateway.v1.access_service_pb2_grpc import AccessServiceServicer

from services.catalog.audit import Asked, Audit
from services.catalog.keys import Keys, Wanted
from services.catalog.models import ApiKey, AuditEvent
from services.catalog.quotas import Quotas
from services.core.access import Scope
from services.core.errors import InvalidInput
from services.core.names import CollectionName, check_id
from services.core.times import SECOND
from services.gateway import pages
from services.gateway.access import callers
from services.runtime.media_proto import duration, nanoseconds, timestamp

SERVICE = pb.DESCRIPTOR.services_by_name["AccessService"]
EVERYWHERE = "collections/-"
LONGEST_KEEP_NS = 30 * 86_400 * SECOND
_BOUNDS = {
    "max_videos": "videos",
    "max_bytes": "bytes",
    "max_duration": "duration",
    "max_requests_per_minute": "requests",
    "max_uploads": "uploads",
}
"""Fields of a quota that can be set, as the catalog calls them."""


class AccessRpc(AccessServiceServicer):
    """The service that says who may use the public API."""

    def __init__(self, keys: Keys, quotas: Quotas, audit: Audit) -> None:
        self._keys = keys
        self._quotas = quotas
        self._audit = audit

    def CreateKey(self, request: pb.CreateKeyRequest, context: grpc.ServicerContext) -> pb.CreateKeyResponse:  # noqa: N802
        asked = request.key
        if asked.all_collections == bool(asked.collections):
            rule = "either some, or all_collections"
            raise InvalidInput(f"collections: {rule}", fields={"key.collections": rule})
        held = None if asked.all_collections else [_collection(name) for name in asked.collections]
        expires = nanoseconds(asked.expire_time) if asked.HasField("expire_time") else 0
        row, secret = self._keys.create(Wanted(asked.title, _scope(asked.scope), held, expires))
        callers.made(context, f"keys/{row.id}")
        return pb.CreateKeyResponse(key=_key(row), secret=secret)

    def ListKeys(self, request: pb.ListKeysRequest, context: grpc.ServicerContext) -> pb.ListKeysResponse:  # noqa: N802
        limit = pages.size(request.page_size, 50, 1000)
        after = pages.position(request.page_token, "keys", int, str)
        rows = self._keys.list(limit + 1, (after[0], after[1]) if after else None)
        last = rows[limit - 1] if len(rows) > limit else None
        token = pages.token([last.created, last.id], "keys") if last else ""
        return pb.ListKeysResponse(keys=map(_key, rows[:limit]), next_page_token=token)

    def RotateKey(self, request: pb.RotateKeyRequest, context: grpc.ServicerContext) -> pb.RotateKeyResponse:  # noqa: N802
        keep = nanoseconds(request.keep)
        if not 0 <= keep <= LONGEST_KEEP_NS:
            raise InvalidInput("keep: 0 to 30 days", fields={"keep": "0 to 30 days"})
        row, secret = self._keys.rotate(_id(request.name), keep)
        callers.made(context, f"keys/{row.id}")
        return pb.RotateKeyResponse(key=_key(row), secret=secret)

    def RevokeKey(self, request: pb.RevokeKeyRequest, context: grpc.ServicerContext) -> pb.ApiKey:  # noqa: N802
        return _key(self._keys.revoke(_id(request.name)))

    def GetQuota(self, request: pb.GetQuotaRequest, context: grpc.ServicerContext) -> pb.Quota:  # noqa: N802
        return self._quota(_of_collection(request.name, "name"))

    def UpdateQuota(self, request: pb.UpdateQuotaRequest, context: grpc.ServicerContext) -> pb.Quota:  # noqa: N802
        collection = _of_collection(request.quota.name, "quota.name")
        paths = set(request.update_mask.paths) or set(_BOUNDS)
        if paths - set(_BOUNDS):
            rule = f"of {', '.join(_BOUNDS)}"
            raise InvalidInput(f"cannot change {sorted(paths)}: {rule}", fields={"update_mask": rule})
        given = {path: getattr(request.quota, path) for path in paths}
        wanted = {_BOUNDS[p]: nanoseconds(v) if p == "max_duration" else int(v) for p, v in given.items()}
        self._quotas.change(collection, wanted)
        return self._quota(collection)

    def ListAuditEvents(  # noqa: N802
        self, request: pb.ListAuditEventsRequest, context: grpc.ServicerContext
    ) -> pb.ListAuditEventsResponse:
        collection = "" if request.parent == EVERYWHERE else CollectionName.parse(request.parent, "parent").collection
        times = (nanoseconds(request.begin_time), nanoseconds(request.end_time))
        if not all(0 <= time < 1 << 63 for time in times):
            raise InvalidInput("begin_time, end_time: times of this age", fields={"begin_time": "a time of this age"})
        asked = Asked(collection, request.actor, request.method, *times)
        limit = pages.size(request.page_size, 50, 1000)
        bound = [request.parent, request.actor, request.method, *times]
        after = pages.position(request.page_token, bound, int)
        rows = self._audit.list(asked, limit + 1, after[0] if after else None)
        token = pages.token([rows[limit - 1].id], bound) if len(rows) > limit else ""
        return pb.ListAuditEventsResponse(events=map(_event, rows[:limit]), next_page_token=token)

    def _quota(self, collection: str) -> pb.Quota:
        bounds, usage = self._quotas.bounds(collection), self._quotas.usage(collection)
        return pb.Quota(
            name=f"collections/{collection}/quota",
            max_videos=bounds.videos,
            max_bytes=bounds.bytes,
            max_duration=duration(bounds.duration),
            max_requests_per_minute=bounds.requests,
            max_uploads=bounds.uploads,
            videos=usage.videos,
            bytes=usage.bytes,
            duration=duration(usage.duration),
        )


def _event(row: AuditEvent) -> pb.AuditEvent:
    return pb.AuditEvent(
        time=timestamp(row.time),
        actor=row.actor,
        peer=row.peer,
        method=row.method,
        resources=row.resources,
        outcome=row.outcome,
    )


def _of_collection(name: str, field: str) -> str:
    parent, _, last = name.rpartition("/")
    if last != "quota":
        rule = "collections/{collection}/quota"
        raise InvalidInput(f"{field} {name[:120]!r} is not a name of the form {rule}", fields={field: rule})
    return CollectionName.parse(parent, field).collection


def _id(name: str) -> str:
    kind, _, id_ = name.partition("/")
    if kind != "keys":
        raise InvalidInput(f"name {name[:80]!r} is not a name of the form keys/{{key}}", fields={"name": "keys/{key}"})
    return check_id(id_, "name")


def _collection(name: str) -> str:
    return CollectionName.parse(name, "key.collections").collection


def _scope(number: int) -> Scope:
    try:
        return Scope(number)
    except ValueError:
        rule = "READ, WRITE or ADMIN"
        raise InvalidInput(f"scope: {rule}", fields={"key.scope": rule}) from None


def _key(row: ApiKey) -> pb.ApiKey:
    return pb.ApiKey(
        name=f"keys/{row.id}",
        title=row.title,
        scope=rule_pb2.Scope.ValueType(row.scope),
        collections=[str(CollectionName(one)) for one in row.collections or ()],
        all_collections=row.collections is None,
        create_time=timestamp(row.created),
        expire_time=timestamp(row.expires) if row.expires else None,
        revoke_time=timestamp(row.revoked) if row.revoked else None,
        last_use_time=timestamp(row.used) if row.used else None,
    )
