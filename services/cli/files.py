"""Files that are whole or are not there."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def whole(path: str) -> Iterator[Any]:
    """A new file, open for bytes, in the same folder; it becomes the one of that name when the block ends well."""
    with tempfile.NamedTemporaryFile(
        dir=os.path.dirname(path) or ".", prefix=".vidx-", suffix=".part", delete=False
    ) as file:
        try:
            yield file
            file.flush()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
