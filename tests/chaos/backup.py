"""What docs/backup.md tells, done under load: copies of catalog and bucket, and everything brought back from them."""

import shutil
import sqlite3
import sys
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.core.errors import NotFound
from services.runtime.store import connect
from tests.chaos import verdict
from tests.chaos.world import BUCKET, World

VIDEOS = 4
"""So many come while the copies are made, and one goes."""
COPY = f"{BUCKET}-copy"
BAD = ("brought back: videos lost", "brought back: not READY", "brought back: wrong by the doctor", "other answers")
"""Figures that must be 0."""


@dataclass(frozen=True)
class Copies:
    """A catalog's file, and what videos it names; the bucket's copy is `COPY` of the same server."""

    catalog: Path
    names: set[str]


def copied(of: World, folder: Path, films: list[Path]) -> Copies:
    """Copy the catalog, then the bucket, while videos come and go and are searched."""
    print("copying catalog and bucket", file=sys.stderr, flush=True)

    def come_and_go() -> None:
        for number, film in enumerate(films):
            of.uploader.add(film, 1_000 + number)
        of.uploader.remove(of.uploader.accepted[0])

    meanwhile = threading.Thread(target=come_and_go)
    meanwhile.start()
    backup = folder / "catalog.backup"
    with closing(sqlite3.connect(of.platform.home / "catalog.db")) as catalog:
        catalog.execute("VACUUM INTO ?", [str(backup)])
    with closing(sqlite3.connect(backup)) as copy:
        found = copy.execute("SELECT collection, id FROM videos WHERE state != 'DELETING'").fetchall()
    source, target = (connect(of.server.settings(name, folder / "copying")).objects for name in (BUCKET, COPY))
    for one in source.walk(""):
        # What a video that was removed meanwhile had is gone, or goes this moment.
        with suppress(NotFound):
            target.put(one.key, source.get(one.key))
    meanwhile.join()
    return Copies(backup, {f"collections/{collection}/videos/{video}" for collection, video in found})


def restored(of: World, copies: Copies) -> dict[str, int]:
    """Throw catalog, bucket and index away, bring all back from the copies, and compare the answers to searches."""
    print("bringing everything back from the copies", file=sys.stderr, flush=True)
    # What came after the copy is in none of them; then both platforms hold the same.
    for name in [name for name in of.uploader.accepted if name not in copies.names]:
        of.uploader.remove(name)
    before = of.uploader.answers()
    of.platform.down()
    home = of.platform.home
    for file in home.glob("catalog.db*"):
        file.unlink()
    shutil.rmtree(home / "milvus")
    shutil.copy(copies.catalog, home / "catalog.db")
    of.options = tuple(option.replace(f"/{BUCKET}", f"/{COPY}") for option in of.options)
    of.up()
    named = verdict.diagnosed(of.platform, "--fix")
    verdict.settled(of.uploader)
    for name in of.uploader.videos().keys() & of.uploader.removed.keys():
        # Removed while the bucket was copied, so that the copy may lack parts of it.
        of.uploader.forget(name)
    videos = verdict.settled(of.uploader)
    after = of.uploader.answers()
    for asked in before:
        if before[asked] != after[asked]:
            print("other answers:", asked, before[asked], after[asked], sep="\n", file=sys.stderr)
    return {
        "brought back: videos": len(videos),
        "brought back: found by the doctor": named.total(),
        "brought back: videos lost": len(set(of.uploader.accepted) - set(videos)),
        "brought back: not READY": sum(video.state != pb.Video.READY for video in videos.values()),
        "brought back: wrong by the doctor": verdict.diagnosed(of.platform).total(),
        "queries": len(before),
        "other answers": sum(before[asked] != after[asked] for asked in before),
    }
