"""Where chapters may begin."""

import itertools
from dataclasses import replace

from services.chaptering.domain.atoms import CELLS, atoms
from services.chaptering.domain.material import Material
from services.core.media import Shot
from services.core.text import Passage, Track
from services.core.times import SECOND, TimeRange


def seconds(*times: float) -> list[int]:
    return [round(t * SECOND) for t in times]


def said(*ranges: tuple[float, float]) -> tuple[Passage, ...]:
    return tuple(Passage(Track.SPEECH, TimeRange(*seconds(a, b)), "Words.") for a, b in ranges)


def shots(*starts: float, end: float) -> tuple[Shot, ...]:
    edges = seconds(*starts, end)
    return tuple(Shot(i, TimeRange(a, b)) for i, (a, b) in enumerate(itertools.pairwise(edges)))


def test_sentences_begin_atoms_and_cuts_only_where_nobody_speaks() -> None:
    material = Material(60 * SECOND, shots(0, 12, 30, 41, end=60), passages=said((10, 20), (20, 25), (42, 50)))
    # 12 lies in a sentence, 41 just before one.
    assert list(atoms(material).times) == seconds(0, 10, 20, 30, 42, 60)


def test_a_time_belongs_to_the_atom_that_begins_near_it_or_else_holds_it() -> None:
    grid = atoms(Material(60 * SECOND, passages=said((10, 20), (30, 50))))
    assert [grid.nearest(t) for t in seconds(0, 8, 12, 19, 29, 59)] == [0, 1, 1, 1, 2, 2]
    assert [grid.holding(t) for t in seconds(0, 9.9, 10, 59, 99)] == [0, 0, 1, 2, 2]


def test_forced_times_stand_alone() -> None:
    material = Material(60 * SECOND, passages=said((10, 20), (20, 30)))
    assert list(atoms(material, seconds(11, 40)).times) == seconds(0, 11, 20, 40, 60)


def test_too_few_are_halved() -> None:
    assert list(atoms(Material(60 * SECOND), at_least=3).times) == seconds(0, 15, 30, 60)


def test_too_many_are_thinned_out_to_what_memory_holds() -> None:
    hours = 10 * 3600
    material = Material(hours * SECOND, shots(*range(hours), end=hours))
    grid = atoms(material, seconds(777.5), reach=1800 * SECOND)
    assert grid.count * grid.count * 1800 / hours < 1.1 * CELLS
    assert seconds(777.5)[0] in grid.times
    few = replace(material, shots=material.shots[::100])
    assert atoms(few, reach=1800 * SECOND).count == hours // 100
