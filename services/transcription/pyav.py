"""Opens sound files with PyAV: FLAC and WAV only, in a child process, as a stranger's bytes may be among them."""

import io

import av
import av.error
import numpy as np

from services.core.errors import InvalidInput, MediaLimit
from services.runtime.sandbox import Sandbox
from services.transcription.domain.sound import RATE, Samples

TIMEOUT_S = 120.0
_NO_SOUND = "not a FLAC or WAV file that can be read"


class PyavSounds:
    """Implements `ports.Sounds`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def samples(self, data: bytes, longest: int) -> Samples:
        found = self._sandbox.run(decode, data, longest, timeout_s=TIMEOUT_S)
        return np.frombuffer(found, np.int16)


def decode(data: bytes, longest: int) -> bytes:
    """16-bit samples at 16 kHz, mono, in the machine's byte order."""
    parts: list[bytes] = []
    size = 0
    try:
        with av.open(
            io.BytesIO(data), mode="r", options={"format_whitelist": "flac,wav", "protocol_whitelist": ""}
        ) as source:
            if not source.streams.audio:
                raise InvalidInput(_NO_SOUND, fields={"audio": _NO_SOUND})
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in source.decode(source.streams.audio[0]):
                frame.pts = None
                for part in resampler.resample(frame):
                    parts.append(part.to_ndarray()[0].astype(np.int16, copy=False).tobytes())
                    size += part.samples
                if size > longest:
                    raise MediaLimit(
                        f"the sound lasts more than {longest // RATE} s: cut it",
                        fields={"audio": f"at most {longest // RATE} s"},
                    )
            parts += [part.to_ndarray()[0].astype(np.int16, copy=False).tobytes() for part in resampler.resample(None)]
    except (av.error.FFmpegError, ValueError) as error:
        raise InvalidInput(f"{_NO_SOUND}: {error}", fields={"audio": _NO_SOUND}) from error
    return b"".join(parts)
