"""The collections that a request is about, found in its resource names by its descriptor."""

import itertools
from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.core.errors import InvalidInput, NotFound
from services.core.names import check_id

ANY = "-"
MAX_GIVEN = 100
NAMED = frozenset({"parent", "name", "names", "video", "videos", "collection_id"})
"""Fields that hold resource names, wherever in a request they are; the last one makes `collections/{collection_id}`."""


@cache
def paths(request: Descriptor) -> tuple[tuple[FieldDescriptor, ...], ...]:
    """Where a request of this type holds resource names: the fields from the request down to each."""
    return tuple(_paths(request, ()))


def _paths(message: Descriptor, above: tuple[FieldDescriptor, ...]) -> Iterator[tuple[FieldDescriptor, ...]]:
    for field in message.fields:
        if field.type == FieldDescriptor.TYPE_STRING and field.name in NAMED:
            yield (*above, field)
        elif field.message_type is not None and field.message_type not in [f.message_type for f in above]:
            yield from _paths(field.message_type, (*above, field))


def found(request: Message, *, needed: bool = True) -> dict[str, str]:
    """Each resource name in a request, to the collection that it lies in.

    Raises InvalidInput for what is not a name, and where one is needed and there is none.
    """
    names: dict[str, str] = {}
    for path in paths(request.DESCRIPTOR):
        for text in _values(request, path):
            if text:
                names[f"collections/{text}" if path[-1].name == "collection_id" else text] = _collection(text, path[-1])
    if needed and not names:
        field = ".".join(f.name for f in next(iter(paths(request.DESCRIPTOR)), ()))
        raise InvalidInput(f"{field}: a resource name must be given", fields={field: "collections/{collection}..."})
    return names


def given(request: Message) -> list[str]:
    """What a request says where a name should be, whatever that is; for the record, so bounded."""
    texts = (text for path in paths(request.DESCRIPTOR) for text in _values(request, path) if text)
    return [text[:MAX_GIVEN] for text in itertools.islice(texts, MAX_GIVEN)]


def collections(request: Message) -> set[str]:
    """The collections that a request names, as far as it names any."""
    try:
        return set(found(request).values())
    except InvalidInput:
        # Who may name what he likes is told what is wrong with it by the method.
        return set()


def _values(message: Any, path: tuple[FieldDescriptor, ...]) -> Iterator[str]:
    field, *below = path
    value = getattr(message, field.name)
    for one in value if field.is_repeated else [value]:
        if not below:
            yield one
        elif field.is_repeated or message.HasField(field.name):
            yield from _values(one, tuple(below))


def _collection(text: str, field: FieldDescriptor) -> str:
    if field.name == "collection_id":
        return check_id(text, "collection_id")
    kind, _, rest = text.partition("/")
    if kind != "collections":
        rule = "collections/{collection}..."
        raise InvalidInput(f"{field.name} {text[:120]!r} is not a name of the form {rule}", fields={field.name: rule})
    # `-` stands for all, which no caller of some holds.
    return ANY if rest == ANY else check_id(rest.partition("/")[0], field.name)


def unknown(name: str) -> NotFound:
    """What is answered for a name that is not there, or not the caller's; nobody can tell which."""
    parts = name.split("/")
    if len(parts) > 2:
        return NotFound(f"no video {'/'.join(parts[:4])}" if parts[2] == "videos" else f"no {name}")
    return NotFound(f"no {name}; create it first")
