"""Where the decoding service is wired: `python -m services.decoding --role serve|work|all`."""

import functools
import tempfile
from pathlib import Path

from services.decoding import rpc, tasks
from services.decoding.reader import SandboxedReader
from services.decoding.service import Decoding
from services.decoding.settings import DecodingSettings
from services.runtime import service, store
from services.runtime.sandbox import Sandbox, announce
from services.runtime.settings import StoreSettings, read

ASKING = 2
"""Child processes for what somebody waits for."""


def main() -> None:
    role = service.role("decoding")
    service.begin("decoding")
    settings = read(DecodingSettings)
    stored = read(StoreSettings)
    artifacts = store.connect(stored)
    announce()
    sandbox = functools.partial(
        Sandbox,
        memory_bytes=settings.child_memory_bytes,
        file_bytes=settings.child_file_bytes,
        what="reading the file",
        slow="raise VIDX_DECODING_TIMEOUT_BASE_S or VIDX_DECODING_TIMEOUT_FACTOR",
        large="raise VIDX_DECODING_CHILD_MEMORY_BYTES",
        within=[Path(tempfile.gettempdir()), *store.folders(stored)],
    )
    with sandbox(settings.concurrency) as work, sandbox(ASKING) as ask, sandbox(settings.cuts) as cut:
        reader = SandboxedReader(
            work, ask, settings.limits, settings.sampling, settings.timeouts, cut, settings.max_cut_bytes
        )
        stage = Decoding(artifacts, reader, settings.shape, max_cuts=settings.max_cuts)
        steps = tasks.steps(stage)
        service.run("decoding", role, [rpc.door(stage, steps)], steps, settings.concurrency)


if __name__ == "__main__":
    main()
