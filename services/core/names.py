"""Resource names and the ids in them, checked once at the edge.

collections/{collection}
collections/{collection}/videos/{video}
"""

import re
import secrets
from dataclasses import dataclass

from services.core.errors import InvalidInput

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LABEL_KEY = re.compile(r"[a-z0-9_-]{1,63}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
ID_RULE = "1 to 63 of a-z, 0-9 and -, beginning with a letter or digit"


def check_id(value: str, field: str) -> str:
    """The id itself, or InvalidInput naming the request field."""
    if not _ID.fullmatch(value):
        raise InvalidInput(f"{field} {value[:80]!r} is not an id: {ID_RULE}", fields={field: ID_RULE})
    return value


def new_id() -> str:
    """A fresh id of 100 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))


@dataclass(frozen=True, order=True)
class CollectionName:
    """collections/{collection}"""

    collection: str

    def __str__(self) -> str:
        return f"collections/{self.collection}"

    @classmethod
    def parse(cls, text: str, field: str = "name") -> "CollectionName":
        parts = text.split("/")
        if len(parts) != 2 or parts[0] != "collections":
            raise _bad(text, field, "collections/{collection}")
        return cls(check_id(parts[1], field))


@dataclass(frozen=True, order=True)
class VideoName:
    """collections/{collection}/videos/{video}"""

    collection: str
    video: str

    def __str__(self) -> str:
        return f"collections/{self.collection}/videos/{self.video}"

    @property
    def parent(self) -> CollectionName:
        return CollectionName(self.collection)

    @classmethod
    def parse(cls, text: str, field: str = "name") -> "VideoName":
        parts = text.split("/")
        if len(parts) != 4 or parts[0] != "collections" or parts[2] != "videos":
            raise _bad(text, field, "collections/{collection}/videos/{video}")
        return cls(check_id(parts[1], field), check_id(parts[3], field))


def check_labels(labels: dict[str, str], field: str = "labels") -> dict[str, str]:
    """The labels themselves, or InvalidInput."""
    if len(labels) > 64:
        raise InvalidInput(f"{len(labels)} labels; at most 64", fields={field: "at most 64"})
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key):
            rule = "label keys are 1 to 63 of a-z, 0-9, _ and -"
            raise InvalidInput(f"label {key[:80]!r}: {rule}", fields={field: rule})
        if len(value) > 255:
            rule = "label values have at most 255 characters"
            raise InvalidInput(f"label {key!r} has {len(value)} characters: {rule}", fields={field: rule})
    return labels


def _bad(text: str, field: str, form: str) -> InvalidInput:
    return InvalidInput(f"{field} {text[:120]!r} is not a name of the form {form}", fields={field: f"format: {form}"})
