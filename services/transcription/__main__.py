"""Where the transcription service is wired: `python -m services.transcription --role serve|work|all`."""

import sys

from services.core.errors import VidxError
from services.core.store import Artifacts
from services.packs import manifest as manifests
from services.runtime import service, store
from services.runtime.sandbox import Sandbox, announce
from services.runtime.settings import StoreSettings, read
from services.transcription import rpc, tasks
from services.transcription.langcodes import LangcodesLanguages
from services.transcription.listening import Listener
from services.transcription.ports import Recognizer
from services.transcription.pyav import PyavSounds
from services.transcription.sandboxed import SandboxedReaders
from services.transcription.sentencex import SentencexSplitter
from services.transcription.service import Transcription
from services.transcription.settings import TranscriptionSettings
from services.transcription.silero import SileroVoice

READING_BYTES = 2 << 30
"""Address space of the process that reads subtitle files."""


def recognizer(settings: TranscriptionSettings, sandbox: Sandbox) -> Recognizer:
    """The server of the settings when there is one, else what the pack names. Only its libraries are imported."""
    speech = manifests.load(settings.models).speech
    if settings.api_url is not None:
        from services.transcription.openai_api import OpenAiApi

        return OpenAiApi(
            str(settings.api_url),
            settings.api_model,
            settings.api_key.get_secret_value(),
            LangcodesLanguages(),
            timeout_s=settings.api_timeout_s,
            attempts=settings.api_attempts,
        )
    folder = manifests.speech_model(settings.models, speech)
    if folder is not None:
        from services.transcription.faster_whisper import FasterWhisper

        return FasterWhisper(folder, speech.language, settings.concurrency)
    from services.transcription.pocketsphinx import PocketSphinx

    return PocketSphinx(sandbox, timeout_factor=settings.timeout_factor)


def build(settings: TranscriptionSettings, artifacts: Artifacts, sandbox: Sandbox, reading: Sandbox) -> Transcription:
    """The stage on its real parts."""
    languages = LangcodesLanguages()
    heard = recognizer(settings, sandbox)
    listener = Listener(artifacts.objects, PyavSounds(sandbox), SileroVoice(), heard)
    return Transcription(artifacts, listener, SandboxedReaders(reading), SentencexSplitter(), languages)


def main() -> None:
    role = service.role("transcription")
    service.begin("transcription")
    settings = read(TranscriptionSettings)
    artifacts = store.connect(read(StoreSettings))
    slow = "raise VIDX_TRANSCRIPTION_TIMEOUT_FACTOR"
    processes = max(settings.concurrency, settings.processes)
    large = "raise VIDX_TRANSCRIPTION_MEMORY_BYTES"
    announce()
    with (
        Sandbox(processes, settings.memory_bytes, what="listening", slow=slow, large=large, within=[]) as sandbox,
        Sandbox(1, READING_BYTES, what="reading the subtitles", within=[]) as reading,
    ):
        try:
            stage = build(settings, artifacts, sandbox, reading)
        except VidxError as error:
            sys.exit(f"transcription cannot start: {error.message}")
        steps = tasks.steps(stage)
        service.run("transcription", role, [rpc.door(stage, steps)], steps, settings.concurrency)


if __name__ == "__main__":
    main()
