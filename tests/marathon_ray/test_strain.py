"""How full the bench makes its nodes, by what their processes tell."""

import pytest

from actors.order import Host
from marathon_ray.strain import Strain


def host(node: str, pid: int, cpu_seconds: float, processors: float = 2) -> Host:
    return Host(node, pid=pid, cpu_seconds=cpu_seconds, processors=processors)


def test_processes_that_share_a_node_are_added_up_and_the_fullest_node_counts() -> None:
    strain = Strain(0.0)
    strain.look([host("a", 1, 5.0), host("a", 2, 7.0), host("b", 1, 1.0, 8)], 1.0)
    assert strain.look([host("a", 1, 6.8), host("a", 2, 8.8), host("b", 1, 5.0, 8)], 3.0) == pytest.approx(0.9)


def test_a_process_with_several_seats_counts_once_by_its_newest_word() -> None:
    strain = Strain(0.0)
    strain.look([host("a", 1, 5.0)], 1.0)
    assert strain.look([host("a", 1, 5.0), host("a", 1, 7.0), host("a", 1, 6.9)], 3.0) == pytest.approx(0.5)


def test_what_a_process_used_before_it_was_seen_does_not_count() -> None:
    strain = Strain(0.0)
    assert strain.look([host("a", 1, 100.0)], 1.0) == 0
    assert strain.look([host("a", 1, 101.0), host("a", 2, 50.0)], 2.0) == pytest.approx(0.5)


def test_a_short_round_has_the_share_of_the_look_before_and_its_time_is_not_lost() -> None:
    strain = Strain(0.0)
    strain.look([host("a", 1, 0.0)], 1.0)
    assert strain.look([host("a", 1, 1.0)], 2.0) == pytest.approx(0.5)
    assert strain.look([host("a", 1, 1.1)], 2.05) == pytest.approx(0.5)
    assert strain.look([host("a", 1, 3.0)], 3.0) == pytest.approx(1.0)


def test_where_nobody_has_answered_nothing_is_full() -> None:
    assert Strain(0.0).look([], 1.0) == 0
