"""What is logged of a Milvus that goes away: the platform's own words, and none of pymilvus."""

import subprocess
import sys
from pathlib import Path

from tests.servers import milvus

SEARCHER = """
import sys
from services.core.errors import Unavailable
from services.runtime import telemetry
from services.runtime.settings import Telemetry
from services.search.milvus_connection import Connection
from services.search.settings import SearchSettings

telemetry.configure("search", Telemetry())
connection = Connection(SearchSettings(milvus_uri=sys.argv[1], embedding_address="none", connect_timeout_s=60))


def ask(within_s):
    return connection.call(
        "list", "texts", lambda client, _, timeout: client.list_collections(timeout=timeout), within_s
    )


print("there", ask(60), flush=True)
sys.stdin.readline()
try:
    ask(2)
except Unavailable as error:
    print("away", error.message)
"""


def test_a_server_that_goes_away_is_told_in_one_line(tmp_path: Path) -> None:
    with milvus.serving(tmp_path / "data") as (uri, server):
        searcher = subprocess.Popen(
            [sys.executable, "-c", SEARCHER, uri],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with searcher:
            assert searcher.stdout
            assert searcher.stdout.readline() == "there []\n"
            milvus.stop(server)
            told, _ = searcher.communicate("go on\n", timeout=60)
    (line,) = told.splitlines()
    assert line.startswith(f"away Milvus at {uri} ")
