"""The files of a pack that lie beside its pack file, and the digests of a build that they are part of."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.core import errors
from services.packs import manifest as manifests
from services.packs.pack import FORMAT, SENTENCE_VECTORS, VECTORS, Backend, Pack, digest
from services.packs.pack import vector_digest as vectors_of


@dataclass(frozen=True)
class Assets:
    """Where they are. A folder that a pack names by an absolute path is not among them: it stays where it is."""

    sentences: Path
    colours: Path
    classes: Path | None
    background: Path
    prompt: Path
    runner: Path
    captioner: Path | None
    """A folder of a Triton repository."""
    speech: Path | None
    """A folder of a speech model."""

    @classmethod
    def of(cls, pack: Pack, pack_file: Path) -> Self:
        """Raises NotFound when a model's folder is missing."""
        folder = pack_file.parent
        visual, speech, captioner = pack.visual_encoder, pack.speech, pack.captioner
        heard = manifests.speech_model(folder, manifests.Speech.model_validate(speech.model_dump(include=_SPEECH)))
        repository = folder / captioner.repository if captioner.repository else None
        if repository and not (repository / "config.pbtxt").is_file():
            raise errors.NotFound(f"the model pack's captioner is not at {repository}: no config.pbtxt there")
        return cls(
            sentences=folder / visual.sentences,
            colours=folder / visual.colours,
            classes=folder / visual.classes if visual.classes else None,
            background=folder / pack.sentence_encoder.background,
            prompt=folder / captioner.prompt,
            runner=folder / "triton/model.py",
            captioner=repository,
            speech=None if Path(speech.model).is_absolute() else heard,
        )

    def build_digest(self, pack: Pack, backend: Backend) -> str:
        """What a build is made of: the pack file, the files beside it, the backend and this builder."""
        files = [self.sentences, self.colours, self.classes, self.background, self.prompt, self.runner]
        parts = [_read(file) for file in files if file]
        folders = [_of_folder(folder) for folder in (self.captioner, self.speech) if folder]
        return digest(f"build {FORMAT} {VECTORS} {SENTENCE_VECTORS}", pack, *parts, *folders, backend)

    def vector_digest(self, pack: Pack) -> str:
        """What shapes the vectors of the joint space."""
        return vectors_of(pack, _read(self.sentences), _read(self.colours))


_SPEECH = {"technology", "model", "language"}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise errors.NotFound(f"the model pack needs {file}") from error


def _of_folder(folder: Path) -> str:
    parts: list[str] = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as data:
            parts += [file.relative_to(folder).as_posix(), hashlib.file_digest(data, "sha256").hexdigest()]
    return digest(*parts)
