"""What the index and the store hold, read behind the platform's back."""

from pathlib import Path
from typing import Any

from pymilvus import MilvusClient

from services.search.milvus_connection import QUIET
from tests.servers.platform import Platform

FIELDS = ["id", "video", "kind", "shot_start", "shot_end", "start", "end", "frame_time", "vector"]


def rows(platform: Platform, collection: str, video: str = "") -> list[dict[str, Any]]:
    """Every row of a collection, or of one video of it, straight from Milvus."""
    client = MilvusClient(f"http://{platform.services()['milvus']['address']}", dedicated=True, grpc_options=QUIET)
    try:
        found: list[dict[str, Any]] = []
        for name in client.list_collections():
            expression = f'collection == "{collection}"' + (f' and video == "{video}"' if video else "")
            found += client.query(name, filter=expression, output_fields=FIELDS, consistency_level="Strong")
        return found
    finally:
        client.close()


def content(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows without the ids that differ between two videos of the same film, in order."""
    return sorted(
        (
            row["kind"], row["shot_start"], row["shot_end"], row["start"], row["end"], row["frame_time"],
            tuple(round(float(x), 4) for x in row["vector"]),
        )
        for row in found
    )  # fmt: skip


def objects(platform: Platform, prefix: str) -> list[Path]:
    """Files of the folder store whose key begins with the prefix."""
    store = platform.home / "store"
    return [p for p in store.rglob("*") if p.is_file() and p.relative_to(store).as_posix().startswith(prefix)]
