"""Page tokens: where the next page begins, bound to the request that it belongs to."""

import base64
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from services.core.artifacts import digest
from services.core.errors import InvalidInput

MAX_TOKEN = 500
T = TypeVar("T")


def size(asked: int, default: int, most: int) -> int:
    """The page size to use: the default for 0, at most `most`. Raises InvalidInput below 0."""
    if asked < 0:
        raise InvalidInput("page_size is below 0", fields={"page_size": f"0 to {most}"})
    return min(asked or default, most)


def token(position: list[str | int], request: object) -> str:
    """An opaque token for a position within the answer to `request`."""
    data = json.dumps([digest(request), position]).encode()
    return base64.urlsafe_b64encode(data).decode()


def position(text: str, request: object, *kinds: type) -> list[Any] | None:
    """The position in a token, of values of these kinds; None for an empty token.

    Raises InvalidInput for a token of another request.
    """
    if not text:
        return None
    try:
        bound, found = json.loads(base64.urlsafe_b64decode(text[:MAX_TOKEN].encode()))
    except (ValueError, TypeError):
        bound, found = None, None
    if bound != digest(request) or not isinstance(found, list) or list(map(_kind, found)) != list(kinds):
        rule = "pass the token of the page before, with every other field the same"
        raise InvalidInput(f"page_token is not of this request: {rule}", fields={"page_token": rule})
    return found


def cut(items: Sequence[T], asked: int, text: str, request: object) -> tuple[Sequence[T], str]:
    """A page of a whole list, 1000 items or at most 10,000, and the next page's token."""
    limit = size(asked, 1000, 10_000)
    found = position(text, request, int)
    begin = found[0] if found else 0
    end = begin + limit
    return items[begin:end], token([end], request) if end < len(items) else ""


def _kind(value: object) -> type | None:
    """The type of a value that may stand in a position: a text, or a whole number of at most 63 bits."""
    whole = type(value) is int and 0 <= value < 1 << 63
    return type(value) if whole or isinstance(value, str) else None
