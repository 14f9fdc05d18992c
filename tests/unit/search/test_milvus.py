"""What the Milvus adapter does when a server's index loses rows behind a filter."""

from typing import Any, cast

import numpy as np
import pytest

from services.core.deadlines import Deadline
from services.search.milvus import MilvusIndex, MilvusTexts
from services.search.milvus_connection import Call, Connection
from services.search.settings import SearchSettings

SETTINGS = SearchSettings(milvus_uri="http://127.0.0.1:1", embedding_address="127.0.0.1:1")
ROWS = {"a": [1.0, 0.0], "b": [0.0, 1.0], "c": [0.6, 0.8]}


class Client:
    """Knows ROWS, but its searches never find the first of them."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []

    def search(self, name: str, data: list[Any], limit: int, **how: Any) -> list[list[dict[str, Any]]]:
        # Where no field is named, a server answers with every field.
        assert how["output_fields"]
        vectors = np.asarray(data)
        return [
            [
                {"id": id_, "distance": float(np.dot(v, row)), "entity": {"frame_time": n}}
                for n, (id_, row) in enumerate(ROWS.items())
                if id_ != "a" and f'"{id_}"' in how["filter"]
            ]
            for v in vectors
        ]

    def query(self, name: str, **how: Any) -> list[dict[str, Any]]:
        self.looked_up.append(how["filter"])
        return [
            {"id": id_, "vector": row, "frame_time": n}
            for n, (id_, row) in enumerate(ROWS.items())
            if f'"{id_}"' in how["filter"]
        ]


class Straight:
    """A connection that is always there."""

    lite = False

    def __init__(self, client: Client) -> None:
        self._client = client

    def call(self, what: str, name: str, do: Call[Any], timeout_s: float | None = None) -> Any:
        return do(cast(Any, self._client), name, 1.0)

    def wait(self, until: Deadline | None) -> float:
        return 1.0


def test_rows_that_a_search_by_id_loses_are_looked_up() -> None:
    client = Client()
    index = MilvusIndex(SETTINGS, cast(Connection, Straight(client)))
    found = index.pools("space", np.array([[1.0, 0.0], [0.6, 0.8]], np.float32), ["a", "c", "nobody"])
    assert {id_: pool.frame_time for id_, pool in found.items()} == {"a": 0, "c": 2}
    assert found["a"].cosines.tolist() == pytest.approx([1.0, 0.6])
    assert found["c"].cosines.tolist() == pytest.approx([0.6, 1.0])
    assert client.looked_up == ['id in ["a", "nobody"]']


def test_rows_that_are_all_found_cost_one_question() -> None:
    client = Client()
    index = MilvusIndex(SETTINGS, cast(Connection, Straight(client)))
    assert set(index.pools("space", np.array([[1.0, 0.0]], np.float32), ["b", "c"])) == {"b", "c"}
    assert client.looked_up == []


def test_cosines_ask_for_no_more_than_they_need() -> None:
    client = Client()
    texts = MilvusTexts(SETTINGS, cast(Connection, Straight(client)))
    assert texts.cosines("space", np.array([0.0, 1.0], np.float32), ["b"]) == {"b": 1.0}
