"""`vidx keys` and `vidx quota`: who may use the gateway, and how much."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from services.cli.commands import options
from services.cli.output import json_line, say, table, valid

if TYPE_CHECKING:
    from google.protobuf.duration_pb2 import Duration
    from vidx.gateway.v1 import access_service_pb2


@click.group("keys")
def keys_command() -> None:
    """Keys of the gateway. They are asked for where VIDX_ACCESS_AUTHENTICATION is on; see docs/security.md."""


@keys_command.command("create")
@click.argument("title")
@click.option("--scope", type=click.Choice(["read", "write", "admin"]), required=True, help="What it opens.")
@click.option("--collection", "-c", "collections", multiple=True, metavar="C", help="Where; may be repeated.")
@click.option("--all-collections", is_flag=True, help="Everywhere, in collections to come as well.")
@click.option("--expires", callback=options.span, metavar="TIME", help="Ends by itself after 30m, 12h, 90d.")
@options.as_json
def create(
    title: str, scope: str, collections: tuple[str, ...], all_collections: bool, expires: timedelta | None, json: bool
) -> None:
    """Make a key, and print it: this once, and alone on standard output. TITLE says whose it is."""
    from vidx.access.v1 import rule_pb2
    from vidx.gateway.v1 import access_service_pb2 as pb

    from services.cli.client import collection_name, connect

    if bool(collections) == all_collections:
        raise click.UsageError("give --collection, or --all-collections")
    key = pb.ApiKey(
        title=valid(title),
        scope=rule_pb2.Scope.Value(scope.upper()),
        collections=map(collection_name, collections),
        all_collections=all_collections,
    )
    if expires is not None:
        key.expire_time.FromDatetime(datetime.now(UTC) + expires)
    with connect() as gateway:
        made = gateway.call(gateway.access.CreateKey, pb.CreateKeyRequest(key=key))
    _print(made.key, made.secret, json_line(made) if json else "")


@keys_command.command("list")
@options.as_json
def list_(json: bool) -> None:
    """All keys, oldest first, those that have ended included."""
    from vidx.access.v1 import rule_pb2
    from vidx.gateway.v1 import access_service_pb2 as pb

    from services.cli.client import connect

    with connect() as gateway:
        pages = gateway.pages(gateway.access.ListKeys, pb.ListKeysRequest(page_size=1000))
        found = [key for page in pages for key in page.keys]
    if json:
        for one in found:
            say(json_line(one))
        return
    rows = [
        (
            one.name.split("/")[1],
            rule_pb2.Scope.Name(one.scope).lower(),
            "all" if one.all_collections else ", ".join(name.split("/")[1] for name in one.collections),
            _state(one),
            one.last_use_time.ToJsonString() if one.HasField("last_use_time") else "never",
            one.title,
        )
        for one in found
    ]
    table(["key", "scope", "collections", "state", "last used", "title"], rows)


@keys_command.command("rotate")
@click.argument("key")
@click.option(
    "--keep",
    callback=options.span,
    metavar="TIME",
    help="The old key goes on for so long: 30m, 12h, 7d. It ends at once.",
)
@options.as_json
def rotate(key: str, keep: timedelta | None, json: bool) -> None:
    """Make a key in the place of KEY, which is its id, and print it."""
    from vidx.gateway.v1 import access_service_pb2 as pb

    from services.cli.client import connect

    request = pb.RotateKeyRequest(name=_name(key))
    if keep is not None:
        request.keep.FromTimedelta(keep)
    with connect() as gateway:
        made = gateway.call(gateway.access.RotateKey, request)
    _print(made.key, made.secret, json_line(made) if json else "")


@keys_command.command("revoke")
@click.argument("key")
@options.as_json
def revoke(key: str, json: bool) -> None:
    """End KEY, which is its id, at once."""
    from vidx.gateway.v1 import access_service_pb2 as pb

    from services.cli.client import connect

    with connect() as gateway:
        ended = gateway.call(gateway.access.RevokeKey, pb.RevokeKeyRequest(name=_name(key)))
    say(json_line(ended) if json else f"{ended.name} is revoked")


@click.command("quota")
@click.argument("collection")
@click.option("--videos", type=click.IntRange(0), metavar="N", help="At most so many; 0 takes a bound away.")
@click.option("--bytes", "size", type=click.IntRange(0), metavar="N", help="Of their sources.")
@click.option("--hours", type=click.FloatRange(0, 1e6), metavar="H", help="Of video.")
@click.option("--requests", type=click.IntRange(0), metavar="N", help="A minute.")
@click.option("--uploads", type=click.IntRange(0), metavar="N", help="Under way at a time.")
@options.as_json
def quota_command(
    collection: str,
    videos: int | None,
    size: int | None,
    hours: float | None,
    requests: int | None,
    uploads: int | None,
    json: bool,
) -> None:
    """What a collection has and may have; with options, set what it may have. It need not exist yet."""
    from vidx.gateway.v1 import access_service_pb2 as pb

    from services.cli.client import collection_name, connect

    name = f"{collection_name(collection)}/quota"
    wanted = {
        "max_videos": videos,
        "max_bytes": size,
        "max_duration": None if hours is None else timedelta(hours=hours),
        "max_requests_per_minute": requests,
        "max_uploads": uploads,
    }
    given: dict[str, Any] = {field: bound for field, bound in wanted.items() if bound is not None}
    with connect() as gateway:
        if given:
            update = pb.UpdateQuotaRequest(quota=pb.Quota(name=name, **given))
            update.update_mask.paths.extend(given)
            found = gateway.call(gateway.access.UpdateQuota, update)
        else:
            found = gateway.call(gateway.access.GetQuota, pb.GetQuotaRequest(name=name))
    if json:
        say(json_line(found, whole=True))
        return

    def hours_of(span: "Duration") -> float:
        return round(span.ToTimedelta() / timedelta(hours=1), 2)

    rows = [
        ("videos", found.videos, found.max_videos),
        ("bytes", found.bytes, found.max_bytes),
        ("hours", hours_of(found.duration), hours_of(found.max_duration)),
        ("requests a minute", "", found.max_requests_per_minute),
        ("uploads at a time", "", found.max_uploads),
    ]
    table(["", "has", "may have"], [(what, has, most or "any") for what, has, most in rows])


def _print(key: "access_service_pb2.ApiKey", secret: str, json: str) -> None:
    say(json or secret)
    if not json:
        click.echo(f"{key.name}: this is the only time that it is shown", err=True)


def _name(key: str) -> str:
    return key if key.startswith("keys/") else f"keys/{key}"


def _state(key: "access_service_pb2.ApiKey") -> str:
    if key.HasField("revoke_time"):
        return "revoked"
    if not key.HasField("expire_time"):
        return "valid"
    ends = key.expire_time.ToJsonString()
    ended = key.expire_time.ToDatetime(UTC) <= datetime.now(UTC)
    return f"ended {ends}" if ended else f"until {ends}"
