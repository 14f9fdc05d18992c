"""Subtitle files, read in a child process: parsers of five formats and a stranger's bytes."""

from services.runtime.sandbox import Sandbox
from services.transcription.domain.subtitles import SubtitleFile
from services.transcription.readers import SubtitleReaders

TIMEOUT_S = 60.0


class SandboxedReaders:
    """Implements `ports.SubtitleReader`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def read(self, content: bytes, name: str) -> SubtitleFile:
        return self._sandbox.run(_read, content, name, timeout_s=TIMEOUT_S)


def _read(content: bytes, name: str) -> SubtitleFile:
    return SubtitleReaders().read(content, name)
