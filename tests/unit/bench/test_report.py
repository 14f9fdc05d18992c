"""What the benchmark says of what it measured."""

import pytest

from tests.bench.report import Figure, exponent, load, save, short, table
from tests.bench.scaling import SECONDS, ideal
from tests.bench.simulated import Done


def test_a_target_is_met_on_its_own_side():
    assert Figure("p", "speed", 9, "x", 8).met
    assert not Figure("p", "speed", 7, "x", 8).met
    assert Figure("p", "wait", 2, "s", 3, most=True).met
    assert not Figure("p", "wait", 4, "s", 3, most=True).met
    assert Figure("p", "size", 4, "MiB").met is None


def test_what_is_saved_is_loaded(tmp_path):
    figures = [Figure("p", "speed", 9, "x", 8, ratio=1.5), Figure("q", "size", 4, "MiB")]
    save(tmp_path / "new" / "p.json", figures, more={"a": 1})
    assert load(tmp_path / "new" / "p.json") == figures


def test_the_table_has_a_line_a_figure_and_says_what_is_missed():
    lines = table([Figure("p", "speed", 7, "x", 8), Figure("p", "wait", 2, "s", 3, most=True, ratio=0.5)]).splitlines()
    assert lines[0].split() == ["part", "what", "figure", "unit", "target", "ratio"]
    assert lines[1].split() == ["p", "speed", "7.00", "x", ">=", "8.00", "MISSED"]
    assert lines[2].split() == ["p", "wait", "2.00", "s", "<=", "3.00", "met", "0.50"]


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.01234, "0.0123"), (1.234, "1.23"), (123.4, "123"), (98765.4, "98765")]
)
def test_three_digits_count(value, text):
    assert short(value) == text


def test_the_power_is_the_one_that_made_the_numbers():
    xs = [1, 5, 60]
    assert exponent(xs, [3 * x**0.7 for x in xs]) == pytest.approx(0.7)


def test_the_ideal_is_the_longest_stage_with_what_comes_before_and_after_it():
    only = {"decoding.plan": 1.0, "transcription.segment": 2.0, "search.index": 3.0}
    assert ideal(1, 8, only) == pytest.approx(1 + 16 + 3)
    assert ideal(2, 8, only) == pytest.approx(1 + 8 + 3)
    assert ideal(4, 8, only) == pytest.approx(1 + 4 + 3)


def test_more_nodes_are_never_slower_in_the_ideal():
    found = [ideal(nodes, 12, SECONDS) for nodes in (1, 2, 4, 8)]
    assert found == sorted(found, reverse=True)


def test_a_chain_of_jobs_is_as_long_as_its_jobs_that_waited_for_each_other():
    from tests.bench.hops import chain

    def job(sent: int, applied: int) -> Done:
        return Done("s", 0, sent, sent, applied, applied)

    assert chain([job(0, 10), job(11, 20), job(11, 30), job(31, 40)]) == 3
