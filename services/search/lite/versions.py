"""Which rows count: of each key the latest version, unless it was deleted since; kept up with the writes."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.search.lite.sources import Mask, SegmentRows, Source, WrittenRows


@dataclass(frozen=True, eq=False)
class Published:
    """The segments of one moment, and the sequence numbers of the deletions that apply to them, by key."""

    segments: tuple[Any, ...]
    deleted: Mapping[Any, int]


@dataclass(frozen=True, eq=False)
class View:
    """Every source with the rows of it that count. Nothing of it changes."""

    flushed: tuple[tuple[Source, Mask], ...]
    written: tuple[tuple[Source, Mask], ...]

    @property
    def sources(self) -> tuple[tuple[Source, Mask], ...]:
        return self.flushed + self.written


class Counting:
    """A mask a segment, by its id. Views hold the masks that there are, so the first change of one copies it."""

    def __init__(self, masks: Mapping[int, Mask]) -> None:
        self.masks = dict(masks)
        self._own: set[int] = set()

    def strike(self, at: int, place: int) -> None:
        """This row counts no more."""
        if at not in self._own:
            self._own.add(at)
            self.masks[at] = self.masks[at].copy()
        self.masks[at][place] = False

    def strike_older(self, at: int, row: SegmentRows, newer: Mapping[Any, int]) -> None:
        """Nor do those of which there is a newer version, or which were deleted since."""
        for key in row.position.keys() & newer.keys():
            place = row.position[key]
            if newer[key] > int(row.sequence[place]):
                self.strike(at, place)


class Versions:
    """Makes views, each from the one before: what a write changes costs what the write holds, not what there is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._published: Published | None = None
        self._rows: dict[int, SegmentRows] = {}
        self._counting: dict[int, Mask] = {}
        self._batches: dict[int, tuple[Any, WrittenRows]] = {}
        self._state: tuple[object, ...] = ()
        self._view = View((), ())

    def view(self, published: Published, tables: Iterable[Any], writes: int, key: str) -> View:
        """What counts of the segments and of the tables of latest writes, the newest first, after so many writes.

        `key` is the field of primary keys.
        """
        distinct = list({id(table): table for table in tables if table is not None}.values())
        state = (published, writes, *distinct)
        with self._lock:
            if state != self._state:
                if published is not self._published:
                    self._follow(published)
                self._view = self._overlaid(published, distinct, key)
                self._state = state
            return self._view

    def _follow(self, published: Published) -> None:
        """Bring `_counting` up to the segments."""
        now = {id(segment): segment for segment in published.segments}
        rows = {at: self._rows.get(at) or SegmentRows(segment) for at, segment in now.items()}
        new = [at for at in now if at not in self._rows]
        fresh = {at: np.ones(len(rows[at]), np.bool_) for at in new}
        counting = Counting({at: mask for at, mask in self._counting.items() if at in now} | fresh)
        for at in new:
            for other in rows:
                if other != at:
                    for key in rows[at].position.keys() & rows[other].position.keys():
                        mine, its = rows[at].position[key], rows[other].position[key]
                        older = rows[at].sequence[mine] < rows[other].sequence[its]
                        counting.strike(*((at, mine) if older else (other, its)))
        for at, row in rows.items():
            counting.strike_older(at, row, published.deleted)
        self._published, self._rows, self._counting = published, rows, counting.masks

    def _overlaid(self, published: Published, tables: list[Any], key: str) -> View:
        """The segments beneath the tables, and the tables themselves."""
        counting = Counting(self._counting)
        written: list[tuple[Source, Mask]] = []
        batches: dict[int, tuple[Any, WrittenRows]] = {}
        newer: dict[Any, int] = {}
        for table in tables:
            places, deleted, held = _contents(table)
            sequences = {one: sequence for one, (_, _, sequence) in places.items()}
            hidden = self._hidden(sequences, newer, published.deleted)
            # What a later table says counts.
            newer = {**sequences, **deleted, **newer}
            masks = [np.zeros(batch.num_rows, np.bool_) for batch in held]
            for one, (batch, row, _) in places.items():
                masks[batch][row] = one not in hidden
            for batch, mask in zip(held, masks, strict=True):
                batches[id(batch)] = self._batches.get(id(batch)) or (batch, WrittenRows(batch, key))
                written.append((batches[id(batch)][1], mask))
        for at, rows in self._rows.items():
            counting.strike_older(at, rows, newer)
        self._batches = batches
        return View(tuple((rows, counting.masks[at]) for at, rows in self._rows.items()), tuple(written))

    def _hidden(self, sequences: Mapping[Any, int], newer: Mapping[Any, int], deleted: Mapping[Any, int]) -> set[Any]:
        """Keys of a table of writes that a later write or the segments know as well."""
        hidden = {k for k in sequences.keys() & newer.keys() if newer[k] > sequences[k]}
        hidden |= {k for k in sequences.keys() & deleted.keys() if deleted[k] > sequences[k]}
        for rows in self._rows.values():
            # As old: the same row, flushed a moment ago.
            shared = sequences.keys() & rows.position.keys()
            hidden |= {k for k in shared if int(rows.sequence[rows.position[k]]) >= sequences[k]}
        return hidden


def _contents(table: Any) -> tuple[dict[Any, tuple[int, int, int]], dict[Any, int], list[Any]]:
    """Of a milvus-lite table of writes: place and sequence of each key, deletions, batches."""
    with table._lock:
        deleted = {key: sequence for key, (sequence, _) in table._delete_index.items()}
        return dict(table._pk_index), deleted, list(table._insert_batches)
