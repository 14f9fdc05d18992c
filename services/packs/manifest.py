"""What a built pack tells the services that use it; imports nothing heavy."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from services.core import errors

FILE = "manifest.json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Visual(_Frozen):
    """The visual encoder as Triton serves it.

    Input `input`: uint8 RGB, (batch, height, width, 3), pictures laid by `canvas.lay` with `layout`, one canvas a
    picture. Output `output`: float32 unit vectors, (batch, dimension).
    """

    model: str
    version: str
    digest: str
    dimension: int
    input: str
    output: str
    height: int
    width: int
    layout: Literal["wide"]


class Text(_Frozen):
    """The text encoder as Triton serves it.

    Inputs `ids` and `mask`: int64, (batch, tokens), at most `max_tokens` tokens, padded on the right with zeros.
    Output `output`: float32 unit vectors, (batch, dimension). `tokenizer` is a path inside the built pack.
    """

    model: str
    version: str
    digest: str
    dimension: int
    ids: str
    mask: str
    output: str
    max_tokens: int
    tokenizer: str


class Background(_Frozen):
    """A fixed set of unit vectors of pictures, (rows, dimension) float32 in `file`, that calibrates scores.

    For a query vector q, z = (q.x - mean(q.background)) / std(q.background) is comparable between queries; the score
    shown is 1 / (1 + exp(-(z - centre) / scale)).
    """

    file: str
    rows: int
    centre: float
    scale: float


class Manifest(_Frozen):
    """A built pack. `space` names the joint space of text and pictures: equal spaces, comparable vectors."""

    format: int
    pack: str
    digest: str
    backend: str
    space: str
    visual_encoder: Visual
    text_encoder: Text
    background: Background

    @property
    def folder(self) -> str:
        """The name of the built pack's folder under the models folder."""
        return f"{self.pack}-{self.digest[:12]}"


def load(path: Path) -> Manifest:
    """The manifest of the built pack in folder `path` (or at that file)."""
    file = path / FILE if path.is_dir() else path
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise errors.NotFound(f"no built model pack at {path}: run `vidx models build`") from error
    except ValidationError as error:
        raise errors.InvalidInput(f"{file} is not the manifest of a model pack: {error}") from error


def save(manifest: Manifest, folder: Path) -> None:
    (folder / FILE).write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")
