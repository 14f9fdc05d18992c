"""How good and how quick chapters, titles and extractive summaries are, without a language model.

    python -m tests.bench.chapters [FILMS] [--slides] [--hours 1] [--videos 0]     or: make bench-chapters FILMS=folder

FILMS is a folder with a JSON file a film (see `chapter_films.read`): its sentences with their times, and its chapters
with their titles and the sentences that sum them up, where they are known. Without it, films are made up of the
documentation of Python's standard library: unrelated modules, read aloud one after the other. Nobody is told how many
chapters there are, unless a line says so. --slides puts a cut where each chapter begins.

Sentence vectors are those of the built-in pack, in this process (VIDX_TEST_MODELS names a folder that keeps the built
pack). Then the processor seconds of so many hours of talk, and with --videos of so many such talks summed up together.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from services.packs import manifest
from tests.bench import chapter_time
from tests.bench.chapter_films import made_up, read
from tests.bench.chapter_scores import boundary_table, known, summary_table, title_table
from tests.bench.pack_vectors import PackEncoder
from tests.servers.triton import built_pack

MADE_UP = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", nargs="?", type=Path)
    parser.add_argument("--slides", action="store_true")
    parser.add_argument("--hours", type=int, default=1)
    parser.add_argument("--videos", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        pack = built_pack(Path(scratch))
        role = manifest.load(pack).sentence_encoder
        encoder = PackEncoder(pack, role, role.space)
    truths = read(arguments.films) if arguments.films else made_up(MADE_UP)
    if not truths:
        sys.exit(f"{arguments.films} holds no film: a JSON file with speech and chapters")
    films = [known(truth, encoder, arguments.slides) for truth in truths]
    boundary_table(films)
    title_table(films, encoder)
    summary_table(films)
    chapter_time.report(arguments.hours, arguments.videos, encoder)


if __name__ == "__main__":
    main()
