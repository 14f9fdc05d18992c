"""Finds model packs by name and builds them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import services
from services.core.errors import NotFound

if TYPE_CHECKING:
    from services.packs.manifest import Manifest


def build(pack: str, out: str | Path, progress: Callable[[str], None]) -> "tuple[Path, Manifest]":
    """The folder under `out` of the pack, built when it is not there, and its manifest."""
    from services.packs.build import build as build_pack

    made = build_pack(find(pack), Path(out).absolute(), backend="python", progress=progress)
    return Path(out).absolute() / made.folder, made


def find(pack: str) -> Path:
    """The TOML file of a pack: itself, or by name among those that come with the platform."""
    if pack.endswith(".toml"):
        return Path(pack)
    shipped = Path(services.__path__[0]).parent / "deploy/models"
    file = shipped / f"{pack}.toml"
    if "/" in pack or not file.is_file():
        known = ", ".join(sorted(f.stem for f in shipped.glob("*.toml"))) or "none"
        raise NotFound(f"no model pack {pack[:80]!r}; there is: {known}, or name a TOML file")
    return file
