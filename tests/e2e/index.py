"""What the index and the store hold, read behind the platform's back."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from pymilvus import MilvusClient

from services.search.milvus_connection import QUIET
from tests.servers.platform import Platform

FIELDS = ["id", "video", "shot_start", "shot_end", "start", "end", "vector"]
OWN_FIELDS = ["kind", "frame_time", "track", "text"]
"""Of rows of pictures, or of texts."""


def rows(platform: Platform, collection: str, video: str = "") -> list[dict[str, Any]]:
    """Every row of a collection, or of one video of it, straight from Milvus."""
    client = MilvusClient(f"http://{platform.address_of('milvus')}", dedicated=True, grpc_options=QUIET)
    try:
        found: list[dict[str, Any]] = []
        for name in client.list_collections():
            expression = f'collection == "{collection}"' + (f' and video == "{video}"' if video else "")
            has = {field["name"] for field in client.describe_collection(name)["fields"]}
            fields = [field for field in (*FIELDS, *OWN_FIELDS) if field in has]
            found += client.query(name, filter=expression, output_fields=fields, consistency_level="Strong")
        return found
    finally:
        client.close()


def jobs(platform: Platform, video: str) -> dict[tuple[str, int], tuple[int, int]]:
    """Attempts and end of every unit of work of a video, by step and segment, straight from the catalog."""
    collection, id_ = video.split("/")[1::2]
    query = "SELECT step, segment, attempt, ended FROM jobs WHERE collection = ? AND video = ?"
    with closing(sqlite3.connect(f"file:{platform.home}/catalog.db?mode=ro", uri=True)) as catalog:
        return {(row[0], row[1]): row[2:] for row in catalog.execute(query, (collection, id_))}


def content(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows without the ids that differ between two videos of the same film, in order."""
    return sorted(
        (
            *(str(row.get(field, "")) for field in OWN_FIELDS),
            row["shot_start"], row["shot_end"], row["start"], row["end"],
            tuple(round(float(x), 4) for x in row["vector"]),
        )
        for row in found
    )  # fmt: skip


def objects(platform: Platform, prefix: str) -> list[Path]:
    """Files of the folder store whose key begins with the prefix."""
    store = platform.home / "store"
    return [p for p in store.rglob("*") if p.is_file() and p.relative_to(store).as_posix().startswith(prefix)]
