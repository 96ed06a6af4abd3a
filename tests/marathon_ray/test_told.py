"""Where readings stand by their own word."""

from marathon_ray.told import Told

PLACES = [(1, 0), (1, 1)]
ENDS = {(1, 0): 10, (1, 1): 20}


def test_the_lag_of_a_group_is_counted_to_where_the_first_pass_has_come() -> None:
    told = Told()
    told.take([("first", 1, 0, 10, False), ("first", 1, 1, 20, True), ("live", 1, 0, 4, False)])
    assert told.lag("live", PLACES) == 6 + 20
    told.take([("live", 1, 1, 25, True)])  # ahead of the pass
    assert told.lag("live", PLACES) == 6


def test_a_reading_is_at_the_end_once_it_has_said_so_of_every_partition() -> None:
    told = Told()
    told.take([("second", 1, 0, 10, True), ("second", 1, 1, 20, False)])
    assert told.short("second", ENDS) == {(1, 1): 20}
    told.take([("second", 1, 1, 20, True)])
    assert told.short("second", ENDS) == {}
    told.begin_drain()
    assert told.short("second", ENDS) == {(1, 0): 0, (1, 1): 0}


def test_one_that_stands_beyond_the_end_has_not_noticed_that_the_log_was_cut() -> None:
    told = Told()
    told.take([("second", 1, 0, 11, True), ("second", 1, 1, 20, True)])
    assert told.short("second", ENDS) == {(1, 0): 11}
    assert told.beyond("second", ENDS)


def test_an_empty_partition_is_at_its_end() -> None:
    assert Told().short("second", {(1, 0): 0}) == {}
