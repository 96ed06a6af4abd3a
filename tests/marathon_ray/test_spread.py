"""Nodes are as few as are enough: for what Ray books, and for what the workers take at the peak, wherever they are dealt."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from actors.spec import Producers
from marathon_ray.offered import Load
from marathon_ray.places.place import CPUS
from marathon_ray.planning import Fleet
from marathon_ray.promises.generator import BUSY
from marathon_ray.spread import Nodes, needed, share


def fleet(workers: int, cores: float | None) -> Fleet:
    """Writers of records so small that a million takes a quarter of a core."""
    load = None if cores is None else Load(records=4e6 * cores)
    return Fleet(Producers(to="orders"), workers, 12, load)


def found(fleets: Mapping[str, Fleet], cpus: float) -> Nodes | None:
    nodes = needed(fleets, cpus)
    return nodes and replace(nodes, cores=round(nodes.cores, 6))


def test_one_node_is_enough_for_what_fits_it() -> None:
    assert found({"writers": fleet(2, 1.0), "others": fleet(3, 0.5)}, 2) == Nodes(1, 2, 5, 1.5)


def test_what_a_node_cannot_bear_without_being_late_itself_goes_to_more_of_them() -> None:
    assert found({"writers": fleet(8, 4.0)}, 4) == Nodes(2, 4, 4, 2.0)
    assert found({"writers": fleet(8, 4 * BUSY)}, 4) == Nodes(1, 4, 8, 4 * BUSY)


def test_a_node_has_no_more_workers_than_ray_books_cpus_for() -> None:
    assert found({"writers": fleet(41, 0.0)}, 4) == Nodes(2, 4, 21, 0.0)
    assert found({"writers": fleet(40, 0.0)}, 4) == Nodes(1, 4, 40, 0.0)


def test_a_worker_that_goes_as_fast_as_it_can_has_a_core_for_itself() -> None:
    assert found({"writers": fleet(3, None)}, 1) == Nodes(3, 1, 1, BUSY)
    assert found({"writers": fleet(3, None)}, 2) == Nodes(2, 2, 2, 2 * BUSY)


def test_no_number_of_nodes_is_enough_for_a_worker_that_takes_more_than_one_has() -> None:
    assert found({"writers": fleet(1, 1.8), "others": fleet(9, 0.1)}, 2) is None


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0, 8)), min_size=1, max_size=4), st.integers(1, 8))
def test_the_fullest_node_bears_its_workers_or_one_of_them_is_too_much_for_any(
    asked: list[tuple[int, float]], cpus: int
) -> None:
    fleets = {str(number): fleet(workers, cores) for number, (workers, cores) in enumerate(asked)}
    nodes = needed(fleets, cpus)
    if nodes is None:
        assert max(map(share, fleets.values())) > BUSY * cpus
        return
    workers, cores = sum(workers for workers, _ in asked), sum(cores for _, cores in asked)
    assert cores / nodes.count <= nodes.cores + 1e-6 <= BUSY * cpus + 1e-5
    assert nodes.workers == ceil(workers / nodes.count)
    assert nodes.workers * CPUS <= cpus + 1e-6
