"""Pictures and texts together on a real milvus-lite: the same answers as exact indexes give, also after a restart."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.core.jobs import Job, no_progress
from services.core.names import VideoName
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange
from services.search.domain import query as queries
from services.search.domain.query import USUAL, Scope
from services.search.milvus import MilvusIndex, MilvusTexts
from services.search.milvus_connection import Connection
from services.search.service import SearchService
from services.search.settings import SearchSettings
from tests.fakes.search import FakeEncoder, FakeIndex, FakeTexts, artifacts, stored_video
from tests.servers import milvus
from tests.servers.ports import free_ports

DIM, SHOTS, PER_SHOT = 32, 30, 4
WORDS = (
    "river",
    "mountain",
    "engine",
    "garden",
    "window",
    "soldier",
    "market",
    "violin",
    "harbour",
    "winter",
    "letter",
    "horse",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with milvus.serving(tmp_path_factory.mktemp("milvus") / "data") as (uri, _):
        yield uri


def units(seed: int, count: int) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), dtype=np.float32)


def sentence(seed: int, shot: int) -> str:
    return " ".join(np.random.default_rng([seed, shot]).choice(WORDS, 4)) + f" take {seed} of {shot}."


def film(objects: dict[str, bytes], name: str, seed: int) -> Job:
    """Shots of four seconds; something is said in each."""
    shots = units(seed, SHOTS)
    frames = [(i * SECOND, i * SECOND, (i + 1) * SECOND) for i in range(SHOTS * PER_SHOT)]
    said = [
        Passage(Track.SPEECH, TimeRange((4 * i + 1) * SECOND, (4 * i + 3) * SECOND), sentence(seed, i), "en")
        for i in range(SHOTS)
    ]
    return stored_video(
        objects, VideoName("films", name), [frames], [4 * i * SECOND for i in range(SHOTS + 1)],
        np.repeat(shots, PER_SHOT, axis=0), shots, title=f"Film number {seed}",
        passages=list(zip(said, units(seed + 500, SHOTS), strict=True)), shot_labels=[(0, "car"), (3, "car"), (3, "x")],
    )  # fmt: skip


def on_milvus(uri: str, prefix: str, objects: dict[str, bytes], encoder: FakeEncoder) -> SearchService:
    settings = SearchSettings(
        milvus_uri=uri, milvus_prefix=prefix, embedding_address="127.0.0.1:1", connect_timeout_s=60,
        search_timeout_s=60,
    )  # fmt: skip
    connection = Connection(settings)
    return SearchService(
        artifacts(objects), MilvusIndex(settings, connection), MilvusTexts(settings, connection), encoder
    )


QUERIES = (
    sentence(1, 7), "winter harbour", '"take 1 of 7"', 'violin "of 3"', "the of a", "film number 2", "horses 😀 ?",
    " ".join(sentence(n % 3, n) for n in range(30)), '"no such words"', "café " * 300,
)  # fmt: skip


def test_answers_are_those_of_exact_indexes(server: str) -> None:
    objects: dict[str, bytes] = {}
    encoder = FakeEncoder({q: units(n + 50, 1)[0] for n, q in enumerate(QUERIES)}, dimensions=DIM)
    encoder.sentences = {q: units(n + 90, 1)[0] for n, q in enumerate(QUERIES)}
    real = on_milvus(server, "same", objects, encoder)
    exact = SearchService(artifacts(objects), FakeIndex(), FakeTexts(), encoder)
    for n in range(3):
        job = film(objects, f"v{n}", n)
        for service in (real, exact):
            rows = SHOTS * (PER_SHOT + 2) + 1
            assert service.index(job, no_progress).counts == {"rows": rows, "expected": rows}
    scopes = (Scope("films"), Scope("films", videos=("v1",)), Scope("films", shot_labels=("car", "x")))
    for text in QUERIES:
        for scope in scopes:
            query = queries.check(text, scope, 20, "", 0, 0.0, USUAL, True)
            got, expected = real.search(query)[0], exact.search(query)[0]
            assert [(m.video, m.range) for m in got] == [(m.video, m.range) for m in expected], text
            assert [m.score for m in got] == pytest.approx([m.score for m in expected], abs=1e-4)
            assert real.facets(query) == exact.facets(query)
    assert real.delete_video(VideoName("films", "v1")) == SHOTS * (PER_SHOT + 2) + 1
    left = queries.check("winter harbour", Scope("films"), 100, "", 0, 0.0)
    assert {m.video.video for m in real.search(left)[0]} == {"v0", "v2"}


def test_words_are_found_again_after_a_restart(tmp_path: Path) -> None:
    objects: dict[str, bytes] = {}
    (port,) = free_ports(1)
    uri = f"http://127.0.0.1:{port}"
    service = on_milvus(uri, "again", objects, FakeEncoder({}, dimensions=DIM))
    with milvus.serving(tmp_path / "data", port):
        service.index(film(objects, "v", 1), no_progress)
    with milvus.serving(tmp_path / "data", port):
        query = queries.check('"take 1 of 7"', Scope("films"), 10, "", 0, 0.0, USUAL, True)
        (moment,) = service.search(query)[0]
        assert moment.range.overlaps(TimeRange(29 * SECOND, 31 * SECOND))
        assert service.facets(query) == [("car", 2), ("x", 1)]


def test_the_longest_query_is_answered_by_every_track(server: str) -> None:
    objects: dict[str, bytes] = {}
    service = on_milvus(server, "long", objects, FakeEncoder({}, dimensions=DIM))
    service.index(film(objects, "v", 1), no_progress)
    text = (" ".join(sentence(1, n) for n in range(30)) + " ") * 10
    moments, _ = service.search(queries.check(text[:10_000], Scope("films"), 10, "", 0, 0.0))
    assert len(moments) == 10
