"""How full the bench makes its nodes, by what their processes tell."""

import pytest

from actors.order import Host
from marathon_ray.strain import Strain


def host(node: str, pid: int, at: float, cpu_seconds: float, processors: float = 2) -> Host:
    return Host(node, pid=pid, at=at, cpu_seconds=cpu_seconds, processors=processors)


def test_processes_that_share_a_node_are_added_up() -> None:
    strain = Strain()
    assert strain.look([host("a", 1, 0, 5.0), host("a", 2, 100, 7.0), host("b", 1, 0, 1.0, 8)]) == {"a": 0, "b": 0}
    shares = strain.look([host("a", 1, 2, 6.8), host("a", 2, 102, 8.8), host("b", 1, 2, 5.0, 8)])
    assert shares == pytest.approx({"a": 0.9, "b": 0.25})


def test_a_process_with_several_seats_counts_once_by_its_newest_word() -> None:
    strain = Strain()
    strain.look([host("a", 1, 0, 5.0)])
    shares = strain.look([host("a", 1, 1.9, 6.9), host("a", 1, 2, 7.0), host("a", 1, 0, 5.0)])
    assert shares == pytest.approx({"a": 0.5})


def test_what_a_process_used_before_it_was_heard_does_not_count() -> None:
    strain = Strain()
    strain.look([host("a", 1, 0, 100.0)])
    assert strain.look([host("a", 1, 1, 101.0), host("a", 2, 50, 50.0)]) == pytest.approx({"a": 0.5})
    strain.look([host("a", 1, 2, 101.0)])  # the second one is silent
    assert strain.look([host("a", 1, 3, 101.0), host("a", 2, 53, 56.0)]) == {"a": 0}


def test_a_look_that_comes_late_or_at_once_measures_the_same() -> None:
    strain = Strain()
    words = [(0.0, 0.0), (1.0, 1.0), (1.05, 1.05), (1.4, 1.4), (4.0, 4.0), (5.0, 5.0)]
    shares = [strain.look([host("a", 1, at, used)])["a"] for at, used in words]
    assert shares == pytest.approx([0, *[0.5] * 5])
