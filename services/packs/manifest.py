"""What a built pack tells the services that use it; imports nothing heavy."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from services.core import errors

FILE = "manifest.json"
SPEECH_WEIGHTS = "model.bin"
"""What a folder of a CTranslate2 model, which faster-whisper reads, holds in any case."""
_NAMES = TypeAdapter(list[str])


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Visual(_Frozen):
    """The visual encoder as Triton serves it.

    Input `input`: uint8 RGB, (batch, height, width, 3), pictures laid by `canvas.lay` with `layout`, one canvas a
    picture. Output `output`: float32 unit vectors, (batch, dimension).

    A model that knows classes gives their probabilities as well, of the same inference: output `class_output`, float32
    (batch, classes), when a client asks for it. `classes` is then a path inside the built pack of a JSON list of their
    names, in order: singular, lower case but for proper names, and such that "a" or "an" can stand before each.
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
    classes: str = ""
    class_output: str = ""


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
    """A fixed set of unit vectors, (rows, dimension) float32 in `file`, that calibrates scores: of pictures for the
    joint space, of sentences for the sentence space.

    For a query vector q, z = (q.x - mean(q.background)) / std(q.background) is comparable between queries; the score
    shown is 1 / (1 + exp(-(z - centre) / scale)).
    """

    file: str
    rows: int
    centre: float
    scale: float


class Sentence(_Frozen):
    """The sentence encoder as Triton serves it: texts for comparison with other texts.

    Inputs, output and tokenizer as those of `Text`; `model` may be the text encoder's, with another output. `space`
    names its space, which is never the joint one. `background` calibrates the cosines of a text with other texts.
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
    space: str
    background: Background


class Speech(_Frozen):
    """What recognizes speech. `model` is a folder, absolute or inside the built pack, or "" when the technology brings
    its own; `language` is BCP 47.
    """

    technology: Literal["pocketsphinx", "faster_whisper"]
    model: str
    language: str


class OnScreenText(_Frozen):
    """What reads text in pictures."""

    technology: Literal["rapidocr"]


class Captioner(_Frozen):
    """What says in words what a picture shows.

    "classes" makes sentences of the visual encoder's classes. "triton" asks the served `model`: input `input`, uint8
    RGB (batch, height, width, 3); output `output`, BYTES (batch, captions), UTF-8. `prompt` is a path inside the built
    pack: what a vision-language server is told, for those who have one.
    """

    technology: Literal["classes", "triton"]
    model: str = ""
    version: str = ""
    input: str = ""
    output: str = ""
    height: int = 0
    width: int = 0
    prompt: str


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
    sentence_encoder: Sentence
    speech: Speech
    on_screen_text: OnScreenText
    captioner: Captioner

    @property
    def folder(self) -> str:
        """The name of the built pack's folder under the models folder."""
        return f"{self.pack}-{self.digest[:12]}"

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models that Triton serves, each once."""
        served = (self.visual_encoder.model, self.text_encoder.model, self.sentence_encoder.model, self.captioner.model)
        return tuple(dict.fromkeys(filter(None, served)))


def load(path: Path) -> Manifest:
    """The manifest of the built pack in folder `path` (or at that file)."""
    file = path / FILE if path.is_dir() else path
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise errors.NotFound(f"no built model pack at {path}: run `vidx models build`") from error
    except ValidationError as error:
        message = f"{file} is not the manifest of a model pack of this version: run `vidx models build`: {error}"
        raise errors.InvalidInput(message) from error


def save(manifest: Manifest, folder: Path) -> None:
    (folder / FILE).write_text(manifest.model_dump_json(indent=2) + "\n", "utf-8")


def classes(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    """The names of the visual encoder's classes, in order; none when it has none."""
    if not manifest.visual_encoder.classes:
        return ()
    file = folder / manifest.visual_encoder.classes
    try:
        return tuple(_NAMES.validate_json(file.read_bytes()))
    except FileNotFoundError as error:
        raise errors.NotFound(f"the model pack has no class names at {file}: build it again") from error
    except ValidationError as error:
        raise errors.InvalidInput(f"{file} is not a list of class names: {error}") from error


def speech_model(folder: Path, speech: Speech) -> Path | None:
    """The folder of the speech model, None when the technology brings its own; `NotFound` when it is not there.

    `folder` is where a relative `speech.model` starts: the built pack's.
    """
    if not speech.model:
        return None
    found = folder / speech.model
    if not (found / SPEECH_WEIGHTS).is_file():
        raise errors.NotFound(f"the model pack's speech model is not at {found}: no {SPEECH_WEIGHTS} there")
    return found
