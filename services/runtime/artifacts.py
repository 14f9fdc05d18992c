"""Artifacts as nouns: the object store with the messages of `vidx.media.v1` in between."""

from collections.abc import Iterable

from google.protobuf.message import DecodeError

from services.core.errors import Internal
from services.core.store import N, Noun, ObjectStore
from services.runtime import chapters_proto, media_proto, text_proto

CODECS = media_proto.CODECS | text_proto.CODECS | chapters_proto.CODECS


class ArtifactStore:
    """Implements `core.store.Artifacts` over any object store."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    @property
    def objects(self) -> ObjectStore:
        return self._objects

    def save(self, key: str, noun: Noun) -> None:
        to_message, _, _ = CODECS[type(noun)]
        self._objects.put(key, to_message(noun).SerializeToString(deterministic=True))

    def load(self, key: str, kind: type[N]) -> N:
        _, from_message, message = CODECS[kind]
        try:
            noun: N = from_message(message.FromString(self._objects.get(key)))
        except (DecodeError, ValueError, KeyError) as error:
            raise Internal(f"object {key} does not hold {kind.__name__}: {error}") from error
        return noun

    def have(self, keys: Iterable[str]) -> bool:
        return all(self._objects.stat(key) is not None for key in keys)
