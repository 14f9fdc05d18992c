"""Whether a search grows slower is told from stretches that can differ."""

from typing import Any

from tests.bench.search_steady import figures


def stretch(p50: float, milvus: float) -> dict[str, Any]:
    return {"p50": p50, "memory_mib": {"milvus": milvus}}


def test_the_last_stretch_is_compared_with_the_second_and_growth_misses_the_target() -> None:
    told = [stretch(30, 90), stretch(10, 100), stretch(11, 100), stretch(20, 150)]
    assert [(f.value, f.met) for f in figures(told, 1000, 5.0)] == [(2.0, False), (1.5, False)]
    assert [f.met for f in figures(told[:3], 1000, 5.0)] == [True, True]


def test_two_stretches_say_nothing() -> None:
    assert figures([stretch(10, 100), stretch(11, 100)], 1000, 5.0) == []
