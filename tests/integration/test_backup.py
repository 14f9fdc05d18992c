"""What docs/backup.md says: a dump of the catalog and a copy of the bucket bring back everything but the index.

That is made anew without decoding.
"""

import subprocess
from contextlib import ExitStack
from pathlib import Path

from services.core.names import VideoName
from services.runtime.store import connect
from tests.fakes.house import open_house
from tests.fakes.public_api import FILM, serving, upload
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3

COMMAND_S = 60


def test_a_platform_comes_back_from_a_dump_and_a_copy(postgresql: Postgres, s3_server: S3, tmp_path: Path) -> None:
    database, restored = postgresql.migrated(), postgresql.empty()
    bucket, copy = (s3_server.settings(s3_server.new_bucket(), tmp_path / "scratch") for _ in range(2))
    dump = tmp_path / "catalog.dump"
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
    with ExitStack() as stack:
        house = stack.enter_context(open_house(tmp_path, postgresql.settings(database), bucket))
        gateway = stack.enter_context(serving(house, tmp_path / "before"))
        ready = VideoName.parse(upload(gateway).name)
        house.pipeline.dispatch()
        house.work()
        under_way = VideoName.parse(upload(gateway, FILM + b"2", request_id="r2").name)
        house.pipeline.dispatch()
        # The catalog first: of what it names, the copy then lacks at most what was deleted meanwhile.
        run(postgresql, "pg_dump", "--format=custom", f"--file={dump}", postgresql.url(database))
        source, target = connect(bucket).objects, connect(copy).objects
        for found in source.walk(""):
            target.put(found.key, source.get(found.key))
        states = {name: house.state(name) for name in (ready, under_way)}
    run(postgresql, "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={postgresql.url(restored)}", str(dump))
    with open_house(tmp_path, postgresql.settings(restored), copy) as house:
        assert {name: house.state(name) for name in states} == states == {ready: "READY", under_way: "PROCESSING"}
        assert house.store.objects.get(f"{ready}/source") == FILM
        house.control.retry(ready, "search")
        house.pipeline.dispatch()
        assert {job.step for job in house.queue.sent if job.video == ready} == {"search.index"}
        # What was under way when the dump was made goes on: its message is lost with the queue.
        house.reconciler.look()
        house.work()
        assert {house.state(name) for name in states} == {"READY"}


def run(postgresql: Postgres, program: str, *arguments: str) -> None:
    done = subprocess.run(
        [postgresql.binaries / program, *arguments], capture_output=True, text=True, timeout=COMMAND_S
    )
    assert done.returncode == 0, done.stderr
