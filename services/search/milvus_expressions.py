"""Filters for Milvus.

A filter is built from the platform's own ids, digests and integers only (see `label_token`), and each is checked here
once more, so no value can change what an expression means. Templates (`filter_params`) would do the same, but
milvus-lite 3.2 ignores them.
"""

import re
from collections.abc import Sequence

from services.core.errors import Internal
from services.core.text import Track
from services.search.domain.query import Scope
from services.search.domain.rows import label_token, shot_label_token

_INT64 = 2**63 - 1
_PLAIN = re.compile(r"[a-z0-9_-]{1,63}")


def rows_of(collection: str = "", video: str = "", other_than: str = "") -> str:
    """Rows of a collection, of one video of it, of any revision but one."""
    terms = []
    if collection:
        terms.append(f"collection == {_text(collection)}")
    if video:
        terms.append(f"video == {_text(video)}")
    if other_than:
        terms.append(f"revision != {_text(other_than)}")
    return " and ".join(terms)


def rows_with(ids: Sequence[str]) -> str:
    """Rows by id; in this form milvus-lite looks them up instead of reading all rows."""
    return f"id in [{', '.join(map(_text, ids))}]"


def pictures_in(scope: Scope, kind: str) -> str:
    """The frames or the shots that may answer."""
    return " and ".join([rows_of(scope.collection), f"kind == {_text(kind)}", *_conditions(scope)])


def texts_in(scope: Scope, tracks: Sequence[Track]) -> str:
    """The texts of some tracks that may answer."""
    listed = ", ".join(_text(track.value) for track in tracks)
    return " and ".join([rows_of(scope.collection), f"track in [{listed}]", *_conditions(scope)])


def _conditions(scope: Scope) -> list[str]:
    terms = [f"video in [{', '.join(map(_text, scope.videos))}]"] if scope.videos else []
    terms += [f"array_contains(labels, {_text(label_token(k, v))})" for k, v in sorted(scope.labels.items())]
    terms += [f"array_contains(shot_labels, {_text(shot_label_token(label))})" for label in scope.shot_labels]
    for name, sign, value in (
        ("added", ">=", scope.added_after),
        ("added", "<", scope.added_before),
        ("duration", ">=", scope.min_duration),
        ("duration", "<=", scope.max_duration),
        ("end", ">", scope.range.start if scope.range else None),
        ("start", "<", scope.range.end if scope.range else None),
    ):
        if value is not None:
            terms.append(f"{name} {sign} {min(max(value, -_INT64), _INT64)}")
    return terms


def _text(value: str) -> str:
    if not _PLAIN.fullmatch(value):
        raise Internal(f"{value[:80]!r} is no id or digest, and must not go into an expression")
    return f'"{value}"'
