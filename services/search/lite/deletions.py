"""What milvus-lite keeps of deletions: as much as there are rows that they hide, whatever was deleted before.

By itself it writes each deletion into a file of every partition, and keeps all those files for as long as any row is
older than they are. Each flush then takes longer than the one before, as it names every file anew. A deletion counts
for all partitions of a collection, so one file holds it here; and from time to time the files become one, without the
deletions whose rows are gone.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from milvus_lite.constants import ALL_PARTITIONS, DEFAULT_PARTITION, DELTA_FILE_TEMPLATE, SEQ_FORMAT_WIDTH
from milvus_lite.schema.arrow_builder import build_delta_schema
from milvus_lite.storage.delta_file import write_delta_file
from milvus_lite.storage.snapshots import snapshot_references

MOST_FILES = 32
"""More files of deletions than these become one."""
_log = logging.getLogger(__name__)


def flushed(table: Any, known_partitions: Any = None) -> dict[str, tuple[Any, Any]]:
    """What milvus-lite's table of writes becomes, (rows, deletions) by partition; deletions everywhere once."""
    found: dict[str, tuple[Any, Any]] = type(table).flush(table, None)
    _, everywhere = found.pop(ALL_PARTITIONS, (None, None))
    if everywhere is not None:
        rows, deletions = found.get(DEFAULT_PARTITION, (None, None))
        found[DEFAULT_PARTITION] = rows, pa.concat_tables([t for t in (deletions, everywhere) if t is not None])
    return found


def needed(deleted: Mapping[Any, int], segments: Iterable[Any]) -> dict[Any, int]:
    """The deletions (sequence number by key) that hide a row of a segment."""
    found = {}
    for segment in segments:
        for key in deleted.keys() & segment.pk_to_row.keys():
            if deleted[key] > int(segment.seqs[segment.pk_to_row[key]]):
                found[key] = deleted[key]
    return found


def fold(collection: Any) -> bool:
    """Make one file of a collection's deletions when there are many; whether that was so.

    The caller holds the collection's maintenance lock, and publishes its deletions anew. Raises OSError; then no row
    shows that was hidden.
    """
    manifest, index, folder = collection._manifest, collection._delta_index, Path(collection._data_dir) / "partitions"
    files = {partition: old for partition, old in manifest.get_all_delta_files().items() if old}
    data = {(partition, one) for partition, held in manifest.get_all_data_files().items() for one in held}
    if sum(map(len, files.values())) <= MOST_FILES or data != collection._segment_cache.keys():
        return False
    kept = needed(index.snapshot, collection._segment_cache.values())
    new = _written(kept, build_delta_schema(collection._schema), folder / DEFAULT_PARTITION) if kept else None
    for partition, old in files.items():
        manifest.remove_delta_files(partition, old)
    if new is not None:
        manifest.add_delta_file(DEFAULT_PARTITION, new)
    manifest.save()
    index._map = kept
    # What a crash leaves of these, milvus-lite removes at its next start.
    pinned = snapshot_references(collection._data_dir)[1]
    for partition, old in files.items():
        for one in set(old) - pinned.get(partition, set()):
            (folder / partition / one).unlink(missing_ok=True)
    _log.info("%d files of deletions became one with %d: %s", sum(map(len, files.values())), len(kept), folder.parent)
    return True


def _written(deleted: Mapping[Any, int], schema: pa.Schema, folder: Path) -> str:
    """A new file of deletions, on the disk for good, as the manifest names it."""
    columns = [
        pa.array(list(held), field.type) for held, field in zip((deleted, deleted.values()), schema, strict=True)
    ]
    table = pa.Table.from_arrays(columns, schema=schema)
    first, last = min(deleted.values()), max(deleted.values())
    # The numbers name the file, and the last is only a bound: one more is another name.
    while (folder / "delta" / DELTA_FILE_TEMPLATE.format(min=first, max=last, w=SEQ_FORMAT_WIDTH)).exists():
        last += 1
    name: str = write_delta_file(table, str(folder), first, last)
    with (folder / name).open("rb") as file:
        os.fsync(file.fileno())
    return name
