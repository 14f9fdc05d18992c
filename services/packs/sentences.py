"""Reads the sentences that stand for the classes of an image classifier."""

from pathlib import Path

from services.core import errors


def load(path: Path) -> list[list[str]]:
    """One list of sentences a class, in the classifier's order; a class's name is its first sentence.

    Lines that start with `#` are comments. `InvalidInput` names the line of an empty sentence.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError as error:
        raise errors.NotFound(f"no sentences at {path}") from error
    classes = []
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|")]
        if not all(parts):
            raise errors.InvalidInput(f"{path}:{number}: an empty sentence")
        classes.append(parts)
    return classes
