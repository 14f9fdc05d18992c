"""Builds a model pack: checks its weights, exports them to ONNX and writes the Triton repository and the manifest."""

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from services.core import errors
from services.packs import manifest as manifests
from services.packs import pack as packs
from services.packs.assets import Assets
from services.packs.manifest import Manifest
from services.packs.pack import Backend


def build(pack_file: Path, out: Path, *, backend: Backend, progress: Callable[[str], None]) -> Manifest:
    """The manifest of the pack built at `out`/<name>-<digest>; nothing is done when it is there already.

    The digest covers the pack file, the files beside it that it is made of, the backend and the builder's version. The
    folder appears complete or not at all: it is built beside and renamed. `NotFound` names a missing distribution,
    `ChecksumMismatch` a file whose bytes are not those that the pack names.
    """
    pack = packs.load(pack_file)
    assets = Assets.of(pack, pack_file)
    digest = assets.build_digest(pack, backend)
    folder = out / f"{pack.name}-{digest[:12]}"
    if (folder / manifests.FILE).is_file():
        progress(f"{folder.name} is built")
        return manifests.load(folder)

    # Imported here, not above: finding a built pack must not wait for torch.
    from services.packs.export import export

    out.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{pack.name}-", dir=out))
    try:
        # The folder that appears must be readable by the model server's user; mkdtemp's is private.
        scratch.chmod(0o755)
        made = export(pack, assets, scratch, digest=digest, backend=backend, progress=progress)
        manifests.save(made, scratch)
        _publish(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    progress(f"{folder.name} is built")
    return manifests.load(folder)


def point(out: Path, name: str, built: Manifest) -> None:
    """Make `out`/`name` mean the built pack, at once: whoever reads it sees this pack or the one before.

    For those who know by what it was ordered, and not its digest.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise errors.InvalidInput(f"a link is named by up to 64 letters, digits, dots, _ and -, not {name[:80]!r}")
    link = out / name
    if link.exists() and not link.is_symlink():
        raise errors.InvalidInput(f"{link} is there already, and no link")
    scratch = Path(tempfile.mkdtemp(prefix=".link-", dir=out))
    try:
        # Read where it ends up: beside the folder.
        (scratch / name).symlink_to(built.folder)
        (scratch / name).replace(link)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _publish(scratch: Path, folder: Path) -> None:
    try:
        scratch.rename(folder)
    except OSError:
        # Somebody else built the same pack meanwhile: theirs is as good, the digest says so.
        if not (folder / manifests.FILE).is_file():
            raise
