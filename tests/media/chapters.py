"""Files that name chapters."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av


def chaptered(
    source: Path, target: Path, chapters: Sequence[tuple[int, int, str]], base: Fraction = Fraction(1, 1000)
) -> Path:
    """The streams of a film in another file, with chapters from (start, end, title), in ticks of `base`.

    The times are the container's, not those of the timeline.
    """
    with av.open(str(source)) as film, av.open(str(target), "w") as out:
        out.set_chapters(
            [
                {"id": i, "start": start, "end": end, "time_base": base, "metadata": {"title": title} if title else {}}
                for i, (start, end, title) in enumerate(chapters, 1)
            ]
        )
        kept = [stream for stream in film.streams if stream.type in ("video", "audio")]
        streams = {stream.index: out.add_stream_from_template(stream) for stream in kept}
        for packet in film.demux(kept):
            if packet.size:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)
    return target
