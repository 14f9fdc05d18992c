"""Hostile calls of gRPC methods, made from their descriptors: the same on every run."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

TEXTS = (
    "", "a", "..", "../../etc/passwd", "a\0b", "a\nb", "'", '"', "`", "\\", "%s%n", "{}", "*", "-", "\u202e", "😀" * 50,
    "'; DROP TABLE videos; --", '" or 1 == 1 or "', "x' UNION SELECT * FROM keys --", '") or (id != "', "a" * 100_000,
    "collections/c", "collections/c/videos/v", "collections/c/videos/..", "collections/../videos/v", "collections/c/",
    "collections/c/videos/v\n", "collections/c'/videos/v", "collections/c/videos/v/chapters/1", "en", "x" * 64,
    "file:///etc/passwd", "http://169.254.169.254/", "s3://a/b", "decoding", "collections/nobody",
)  # fmt: skip
BYTES = (b"", b"\0", b"\xff" * 3, b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\n", bytes(range(256)) * 400)
_INTEGERS = (0, 1, -1, 2, 7, 100, 10_000, 1 << 31, (1 << 31) - 1, -(1 << 31), (1 << 63) - 1, -(1 << 63), (1 << 64) - 1)
_REALS = (0.0, 0.5, 1.0, -1.0, 1e308, -1e308, 1e-320, float("nan"), float("inf"), float("-inf"))
_SECONDS = (0, 1, 2, -1, 100, 1 << 31, 315_576_000_000, 315_576_000_001, (1 << 63) - 1, -(1 << 63))
_NANOS = (0, 1, -1, 999_999_999, 1_000_000_000, (1 << 31) - 1, -(1 << 31))
_DEEPEST = 4
_NAMES = ("name", "parent", "query", "source", "video")
_Field = FieldDescriptor
_BOUNDS = {
    _Field.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    _Field.TYPE_SINT32: (-(1 << 31), (1 << 31) - 1),
    _Field.TYPE_SFIXED32: (-(1 << 31), (1 << 31) - 1),
    _Field.TYPE_ENUM: (-(1 << 31), (1 << 31) - 1),
    _Field.TYPE_UINT32: (0, (1 << 32) - 1),
    _Field.TYPE_FIXED32: (0, (1 << 32) - 1),
    _Field.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    _Field.TYPE_SINT64: (-(1 << 63), (1 << 63) - 1),
    _Field.TYPE_SFIXED64: (-(1 << 63), (1 << 63) - 1),
    _Field.TYPE_UINT64: (0, (1 << 64) - 1),
    _Field.TYPE_FIXED64: (0, (1 << 64) - 1),
}


def requests(method: MethodDescriptor, count: int, known: Sequence[str] = ()) -> Iterator[bytes]:
    """Serialized requests: `count` made field by field, and some that are no message of the method.

    `known` are names that exist, which are tried as often as all that is wrong.
    """
    chance = random.Random(method.full_name)
    for number in range(count):
        # Of some, few fields are wrong: they get further.
        share = 0.6 if number % 2 else 0.15
        yield message(method.input_type, chance, known, share).SerializePartialToString()
    yield b""
    yield b"\xff" * 20
    yield b"\x0b" * 5_000
    yield b"\x0a\xff\xff\xff\xff\x07" + b"x" * 100
    for field in method.input_type.fields:
        if field.type in (_Field.TYPE_STRING, _Field.TYPE_MESSAGE):
            # Text that is no UTF-8, and where a message is wanted, one that holds itself a thousand times.
            tag = _varint(field.number << 3 | 2)
            yield tag + b"\x04\xff\xfe\xc0\x80"
            deep = b""
            for _ in range(1_000):
                deep = tag + _varint(len(deep)) + deep
            yield deep


def message(kind: Descriptor, chance: random.Random, known: Sequence[str], share: float, depth: int = 0) -> Message:
    """A message of the kind: its names, and of the other fields a share."""
    found: Any = message_factory.GetMessageClass(kind)()
    if kind.full_name in ("google.protobuf.Duration", "google.protobuf.Timestamp"):
        found.seconds, found.nanos = chance.choice(_SECONDS), chance.choice(_NANOS)
        return found
    for field in kind.fields:
        if (
            known
            and share < 0.5
            and field.name in _NAMES
            and field.type == _Field.TYPE_STRING
            and not field.is_repeated
        ):
            setattr(found, field.name, chance.choice(known))
            continue
        if chance.random() > share or depth > _DEEPEST:
            continue
        if field.is_repeated:
            _fill(found, field, chance, known, share, depth)
        elif field.type == _Field.TYPE_MESSAGE:
            getattr(found, field.name).CopyFrom(message(field.message_type, chance, known, share, depth + 1))
        else:
            setattr(found, field.name, _value(field, chance, known))
    return found


def _fill(
    found: Any, field: FieldDescriptor, chance: random.Random, known: Sequence[str], share: float, depth: int
) -> None:
    many = chance.choice((1, 1, 2, 3, 200 if depth == 0 else 2))
    for _ in range(many):
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            if value.type != _Field.TYPE_MESSAGE:
                getattr(found, field.name)[_value(key, chance, known)] = _value(value, chance, known)
        elif field.type == _Field.TYPE_MESSAGE:
            getattr(found, field.name).append(message(field.message_type, chance, known, share, depth + 1))
        else:
            getattr(found, field.name).append(_value(field, chance, known))


def _value(field: FieldDescriptor, chance: random.Random, known: Sequence[str]) -> Any:
    if field.type == _Field.TYPE_STRING:
        return chance.choice(known) if known and chance.random() < 0.5 else chance.choice(TEXTS)
    if field.type == _Field.TYPE_BYTES:
        return chance.choice(BYTES)
    if field.type == _Field.TYPE_BOOL:
        return chance.random() < 0.5
    if field.type in (_Field.TYPE_DOUBLE, _Field.TYPE_FLOAT):
        return chance.choice(_REALS)
    if field.type == _Field.TYPE_ENUM and chance.random() < 0.7:
        return chance.choice(field.enum_type.values).number
    low, high = _BOUNDS[field.type]
    return max(low, min(high, chance.choice(_INTEGERS)))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def ended(channel: grpc.Channel, method: MethodDescriptor, request: bytes, timeout_s: float) -> tuple[str, str]:
    """The status of a call with one request, and its text; of a stream of answers the first is waited for."""
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    name = f"/{method.containing_service.full_name}/{method.name}"
    same: Callable[[bytes], bytes] = bytes
    asked = getattr(channel, kind)(name, request_serializer=same, response_deserializer=same)
    sent = iter([request, request]) if method.client_streaming else request
    try:
        answer = asked(sent, timeout=timeout_s)
        if method.server_streaming:
            next(iter(answer), None)
            answer.cancel()
    except grpc.RpcError as error:
        return error.code().name, str(error.details())
    return "OK", ""
