"""What listening costs: processor time a second of sound, on files of speech of your own.

    python -m tests.bench.speech FILE.wav...        or: make bench-speech SPEECH='a.wav b.flac'

Voice detection and the built-in recognizer, with the decoder loaded. The figures are processor seconds
of all processes, so they say what one core does, whatever else the machine is doing; each file is heard twice, and the
lesser figure counts.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import psutil

from services.runtime.sandbox import Sandbox
from services.runtime.store_folder import FolderStore
from services.transcription.domain.sound import RATE
from services.transcription.listening import Listener
from services.transcription.pocketsphinx import PocketSphinx
from services.transcription.pyav import PyavSounds
from services.transcription.silero import SileroVoice

LONGEST = 3600 * RATE
MEMORY = 4 << 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    files = parser.parse_args().files
    with Sandbox(1, MEMORY) as sandbox, tempfile.TemporaryDirectory() as folder:
        sounds = PyavSounds(sandbox)
        listener = Listener(FolderStore(Path(folder)), sounds, SileroVoice(), PocketSphinx(sandbox))
        listener.file(files[0].read_bytes(), LONGEST, "")
        costs = []
        for file in files:
            data = file.read_bytes()
            seconds = len(sounds.samples(data, LONGEST)) / RATE
            spent = []
            for _ in range(2):
                before = _processor_s()
                heard = listener.file(data, LONGEST, "")
                spent.append(_processor_s() - before)
            costs.append(min(spent) / seconds)
            text = " ".join(cue.text for cue in heard.cues)
            print(f"{file.name}: {seconds:.1f} s of sound, {costs[-1]:.3f} of real time on one core: {text}")
        print(f"median {statistics.median(costs):.3f}, most {max(costs):.3f} of real time on one core")


def _processor_s() -> float:
    me = psutil.Process()
    times = [p.cpu_times() for p in (me, *me.children(recursive=True))]
    return sum(t.user + t.system for t in times)


if __name__ == "__main__":
    main()
