"""What a stage needs of the object store. Keys are those of `artifacts`; objects appear whole or not at all."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from services.core.chapters import Chapters, Summaries
from services.core.media import Plan, SampledFrames, Shots, VideoInfo
from services.core.text import Captions, OnScreenText, Passages, ShotLabels, Transcript

Noun = (
    Plan
    | SampledFrames
    | Shots
    | VideoInfo
    | Transcript
    | OnScreenText
    | Captions
    | ShotLabels
    | Passages
    | Chapters
    | Summaries
)
N = TypeVar(
    "N",
    Plan,
    SampledFrames,
    Shots,
    VideoInfo,
    Transcript,
    OnScreenText,
    Captions,
    ShotLabels,
    Passages,
    Chapters,
    Summaries,
)


@dataclass(frozen=True)
class ObjectInfo:
    """A stored object: its key and its size in bytes."""

    key: str
    size: int


class ObjectStore(Protocol):
    """A flat set of objects. Raises NotFound, StorageFull, Unavailable."""

    def put(self, key: str, data: bytes | BinaryIO) -> int:
        """Write an object, replacing it whole; returns its bytes. A stream is read to its end in bounded memory."""

    def get(self, key: str) -> bytes:
        """All bytes of an object."""

    def read(self, key: str, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset`."""

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A stream over an object, read in bounded memory."""

    def local(self, key: str) -> AbstractContextManager[Path]:
        """A file with the object's bytes, for libraries that seek; read-only, gone or shared afterwards."""

    def stat(self, key: str) -> ObjectInfo | None:
        """The object, or None when there is none."""

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        """Objects whose key begins with `prefix`, in order of keys."""

    def delete(self, keys: list[str]) -> None:
        """Remove objects; those that are not there are passed over."""


class Artifacts(Protocol):
    """The object store, with the nouns of `media` and `text` going in and out."""

    @property
    def objects(self) -> ObjectStore:
        """The store beneath, for bytes."""

    def save(self, key: str, noun: Noun) -> None:
        """Write a noun."""

    def load(self, key: str, kind: type[N]) -> N:
        """Read a noun of the kind that was saved."""

    def have(self, keys: Iterable[str]) -> bool:
        """True when every key exists."""
