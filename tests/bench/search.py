"""What a search costs as an index grows, beside the bare pymilvus call on the same rows.

    python -m tests.bench.search [--rows 1000 10000 100000] [--json FILE]        or: make bench-search ROWS=100000

Real processes: Triton on the built-in pack, milvus-lite, and the embedding and search services and the gateway. Made
videos fill four collections, of which one with 60 percent of the rows is asked. All ways take turns on the same query,
round by round, and each query is a new sentence, so no vector comes from a cache. `bare` is one
`MilvusClient.search` of the visual index with the platform's filter, fields and number of rows, its vector given;
`bare10` the same for the ten nearest rows; `bare5` the five calls that a query of all tracks needs, one after the
other; `stock` is `bare` on a copy of the data that milvus-lite serves as it comes,
without `services.search.lite`; `fresh` is the gateway's Search; `known` the same query again; `pictures` that of the
visual track alone. Times are milliseconds of wall time.
"""

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from vidx.media.v1 import text_pb2 as text_pb

from services.runtime import grpc_client
from services.runtime.text_embedding import TextEmbedding
from services.search.domain.query import Query, Scope
from services.search.embedding_client import EmbeddingClient
from services.search.milvus import MilvusIndex, MilvusTexts
from services.search.milvus_connection import Connection
from services.search.searching import Searcher
from services.search.settings import SearchSettings
from tests.bench.report import about, exponent
from tests.bench.search_parts import Bare, Timed, encoder, inserting
from tests.bench.search_rows import ASKED, Subjects, sentence
from tests.bench.search_stack import Models, Stack, models, stack
from tests.servers import milvus

CLIENTS = (1, 4, 16)


def shares(settings: SearchSettings, embedding: str, queries: Sequence[str]) -> dict[str, float]:
    """Milliseconds of a query in each port and in the rest of the searcher, which ask each other side by side."""
    took: dict[str, list[float]] = {}
    connection = Connection(settings)
    ports = (
        MilvusIndex(settings, connection),
        MilvusTexts(settings, connection),
        EmbeddingClient(TextEmbedding(grpc_client.channel(embedding), 60.0)),
    )
    searcher = Searcher(*(Timed(port, took) for port in ports))  # type: ignore[arg-type]
    for text in queries:
        searcher.search(Query(text, Scope(ASKED)))
    took.clear()
    for text in queries:
        began = time.perf_counter()
        searcher.search(Query(text + " again", Scope(ASKED)))
        took.setdefault("all", []).append((time.perf_counter() - began) * 1000)
    return {name: round(sum(times) / len(queries), 2) for name, times in took.items()}


def hops(asked: Stack, way: Callable[[int], object], rounds: int) -> dict[str, float]:
    """Processor milliseconds of a call in each process that it passes, and of all together."""
    before = asked.processor_ms()
    for n in range(rounds):
        way(n)
    spent = {name: round((ms - before[name]) / rounds, 1) for name, ms in asked.processor_ms().items()}
    return {**spent, "all": round(sum(spent.values()), 1)}


def in_turns(ways: dict[str, Callable[[int], object]], rounds: int) -> dict[str, dict[str, float]]:
    """p50, p95 and p99 in ms of each way, one after the other, round by round."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for n in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way(n)
            took[name].append((time.perf_counter() - began) * 1000)
    return {name: percentiles(times) for name, times in took.items()}


def percentiles(times: Sequence[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    return {"p50": round(p50, 2), "p95": round(p95, 2), "p99": round(p99, 2)}


def throughput(way: Callable[[int], object], clients: int, seconds: float) -> float:
    """Calls a second of so many clients at once."""
    end, lock, done = time.monotonic() + seconds, threading.Lock(), [0]

    def work(_: int) -> None:
        while time.monotonic() < end:
            with lock:
                done[0] += 1
                n = done[0]
            way(n)

    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, range(clients)))
    return round(done[0] / (time.monotonic() - began), 1)


def measure(rows: int, rounds: int, seconds: float, with_: Models, scratch: Path) -> dict[str, Any]:
    """All figures of one size."""
    with ExitStack() as running:
        asked_of = running.enter_context(stack(rows, with_, scratch))
        settings, frames = asked_of.settings, asked_of.frames
        ask = encoder(with_.embedding)
        subjects = Subjects.make(ask)
        bare = Bare(settings, subjects.spaces)
        copy = scratch / f"stock-{rows}"
        shutil.copytree(asked_of.data, copy)
        other, _ = running.enter_context(milvus.serving(copy, stock=True))
        stock = Bare(settings.model_copy(update={"milvus_uri": other}), subjects.spaces)
        stock.load()
        rng = np.random.default_rng(rows)
        queries = [sentence(rng) for _ in range(4096)]
        parts = [ask(queries[at : at + 64]) for at in range(0, 256, 64)]
        vectors, meant = (np.concatenate([part[n].vectors for part in parts]) for n in (0, 1))
        asked = iter(queries[256:])
        lock = threading.Lock()

        def fresh(_: int) -> str:
            with lock:
                text = next(asked)
            asked_of.search(text)
            return text

        def known(_: int) -> None:
            assert len(asked_of.search(queries[255]).moments) == 10

        def pictures(_: int) -> None:
            assert len(asked_of.search(queries[255], text_pb.VISUAL).moments) == 10

        ways: dict[str, Callable[[int], object]] = {
            "bare": lambda n: bare.search(vectors[n % 256], bare.limit),
            "bare10": lambda n: bare.search(vectors[n % 256], 10),
            "bare5": lambda n: bare.five(vectors[n % 256], meant[n % 256], queries[n % 256]),
            "stock": lambda n: stock.search(vectors[n % 256], bare.limit),
            "fresh": fresh,
            "known": known,
            "pictures": pictures,
        }
        in_turns(ways, 5)
        result: dict[str, Any] = {
            "rows": asked_of.written, "fill_s": round(asked_of.fill_s, 1), "index_s": round(asked_of.index_s, 1),
        }  # fmt: skip
        result["ms"] = in_turns(ways, rounds)
        result["shares_ms"] = shares(settings, with_.embedding, queries[:30])
        result["processor_ms"] = {name: hops(asked_of, ways[name], rounds) for name in ("bare", "bare5", "fresh")}
        result["per_s"] = {
            str(n): {name: throughput(ways[name], n, seconds) for name in ("bare", "fresh")} for n in CLIENTS
        }
        exact = np.argsort(-(vectors[:64] @ frames.T), axis=1)[:, :10]
        wanted = np.take_along_axis(vectors[:64] @ frames.T, exact, axis=1)[:, -1]
        near = [sum(hit["distance"] >= least - 1e-5 for hit in bare.search(v, bare.limit)[:10])
                for v, least in zip(vectors[:64], wanted, strict=True)]  # fmt: skip
        result["recall_at_10"] = round(sum(near) / (10 * len(near)), 4)
        quiet, busy = [], []
        for _ in range(2):
            quiet.append(in_turns({"fresh": fresh}, rounds // 2)["fresh"])
            with inserting(settings, subjects) as count:
                before, began = count.value, time.monotonic()
                busy.append(in_turns({"fresh": fresh}, rounds // 2)["fresh"])
                speed = (count.value - before) / (time.monotonic() - began)
        result["quiet_ms"], result["indexing_ms"] = quiet, busy
        result["indexed_rows_per_s"] = round(speed, 1)
        return result


def table(results: list[dict[str, Any]]) -> str:
    """A line a size."""
    lines = [f"{'rows':>8} {'way':>8} {'p50':>8} {'p95':>8} {'p99':>8}   of `bare`"]
    for one in results:
        for name, took in one["ms"].items():
            ratio = took["p50"] / one["ms"]["bare"]["p50"]
            numbers = " ".join(f"{took[p]:8.1f}" for p in ("p50", "p95", "p99"))
            lines.append(f"{one['rows']:>8} {name:>8} {numbers}   {ratio:.2f}")
        lines.append(
            f"{'':>8} recall@10 {one['recall_at_10']}, shares {one['shares_ms']}, calls a second {one['per_s']}"
        )
        for name, spent in one["processor_ms"].items():
            lines.append(f"{'':>8} processor ms of {name}: {spent}")
        beside = [round(b["p50"] / q["p50"], 2) for q, b in zip(one["quiet_ms"], one["indexing_ms"], strict=True)]
        lines.append(f"{'':>8} p50 while {one['indexed_rows_per_s']} rows a second are indexed: {beside} times")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement of calls a second")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    told = about()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack_:
        scratch = Path(folder)
        with_ = stack_.enter_context(models(scratch))
        results = []
        for rows in args.rows:
            results.append(measure(rows, args.rounds, args.seconds, with_, scratch))
            print(table(results[-1:]), flush=True)
    if len(results) > 1:
        for name in ("bare", "bare5", "fresh"):
            p50 = [one["ms"][name]["p50"] for one in results]
            power = exponent([one["rows"] for one in results], p50)
            told[f"{name}_p50_grows_with_rows_to_the_power"] = round(power, 2)
    print(json.dumps(told))
    if args.json:
        args.json.write_text(json.dumps({"about": told, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
