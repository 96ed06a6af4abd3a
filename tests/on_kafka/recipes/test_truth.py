"""The truth that verdicts are held against, on logs of a few records."""

from collections import Counter

from tests.on_kafka.recipes.truth import Log, runs


def test_copies_are_counted_beyond_the_first() -> None:
    log = Log({0: ((0, 7, 0), (0, 7, 1), (0, 7, 0), (0, 7, 0)), 1: ((1, 7, 0),)})
    assert log.copies() == Counter({(0, 7, 0): 2})


def test_a_record_is_late_if_it_first_came_behind_a_later_one_of_its_client_and_partition() -> None:
    log = Log({0: ((0, 7, 0), (0, 7, 2), (0, 8, 0), (0, 7, 1), (0, 7, 0)), 1: ((1, 7, 0),)})
    assert log.late() == {(0, 7, 1)}


def test_runs_join_neighbours_of_one_client_and_partition_only() -> None:
    records = [(0, 7, 0), (0, 7, 1), (0, 7, 3), (0, 8, 4), (1, 8, 5)]
    assert runs(records) == [(0, 7, 0, 1), (0, 7, 3, 3), (0, 8, 4, 4), (1, 8, 5, 5)]
