"""The parts of a built pack that need no export: names, prompt, and models that come as folders."""

import json
from pathlib import Path
from shutil import copyfile, copytree

from services.core import errors
from services.packs import triton
from services.packs.assets import Assets
from services.packs.manifest import Captioner, OnScreenText, Speech
from services.packs.pack import Pack

_CLASSES = "classes.json"
_PROMPT = "caption_prompt.txt"
_SPEECH = "speech"


def class_names(file: Path) -> list[str]:
    """A name a line, in the classifier's order; lines that start with `#` are comments. Raises InvalidInput."""
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    for number, line in enumerate(lines):
        if not line or line != line.strip():
            raise errors.InvalidInput(f"{file}: the name of class {number} is empty or has blanks around it")
    return lines


def write_classes(assets: Assets, folder: Path, count: int) -> str:
    """Write the names of so many classes into the built pack; the path inside it, "" when the pack has none."""
    if assets.classes is None:
        return ""
    names = class_names(assets.classes)
    if len(names) != count:
        raise errors.InvalidInput(f"{assets.classes} has {len(names)} names for {count} classes")
    (folder / _CLASSES).write_text(json.dumps(names, ensure_ascii=False, indent=0) + "\n", "utf-8")
    return _CLASSES


def speech(pack: Pack, assets: Assets, folder: Path) -> Speech:
    """The role, with a model that lies beside the pack file copied into the built pack."""
    role = pack.speech
    if assets.speech:
        copytree(assets.speech, folder / _SPEECH)
    model = _SPEECH if assets.speech else role.model
    return Speech(technology=role.technology, model=model, language=role.language)


def on_screen_text(pack: Pack) -> OnScreenText:
    """The role; its models come with their distribution."""
    return OnScreenText(technology=pack.on_screen_text.technology)


def captioner(pack: Pack, assets: Assets, folder: Path) -> Captioner:
    """The role, with the prompt and, when it is a Triton model, its folder copied into the built pack."""
    role = pack.captioner
    copyfile(assets.prompt, folder / _PROMPT)
    if assets.captioner is None:
        return Captioner(technology=role.technology, prompt=_PROMPT)
    if (folder / assets.captioner.name).exists():
        raise errors.InvalidInput(f"the captioner's model cannot be called {assets.captioner.name}: the pack has one")
    copytree(assets.captioner, folder / assets.captioner.name)
    return Captioner(
        technology=role.technology,
        model=assets.captioner.name,
        version=role.version or triton.VERSION,
        input=role.input,
        output=role.output,
        height=role.height,
        width=role.width,
        prompt=_PROMPT,
    )
