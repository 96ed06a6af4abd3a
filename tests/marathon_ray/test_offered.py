"""What is offered follows from schedules, and is shared out by partitions."""

import pytest

from actors.spec import Auditors, Consumers, Producers, Transactors
from marathon_ray.kafka.topics import Topic
from marathon_ray.offered import Load, peaks, read_by, totals
from marathon_ray.scenario import Scenario


class Play(Scenario):
    """It holds."""

    orders: Topic = Topic(partitions=30)
    bills: Topic = Topic(partitions=10)
    copies: Topic = Topic(partitions=30)
    writers: Producers = Producers(to=("orders", "bills"), rate="4000 records/s", size="100 B")
    copier: Transactors = Transactors(of="orders", to="copies", group="copy")

    @property
    def lasts(self) -> float:
        return 60.0


def test_a_fleets_rate_is_shared_by_the_partitions_of_its_topics() -> None:
    assert peaks(Play())["orders"] == Load(3000, 300_000)
    assert peaks(Play())["bills"] == Load(1000, 100_000)


def test_copies_are_as_many_as_what_is_copied() -> None:
    assert peaks(Play())["copies"] == Load(3000, 300_000)


def test_a_rate_in_bytes_goes_by_the_mean_size() -> None:
    writers = Producers(to="bills", rate="1 MB/s", size="50 % 500 B, 50 % 1500 B")
    assert peaks(Play(writers=writers))["bills"] == Load(1000, 1_000_000)


def test_the_whole_is_the_area_under_the_curve_and_the_peak_its_highest_point() -> None:
    writers = Producers(to="bills", rate="1000/s", size="100 B", curve="10 s 0 %, 20 s 200 %, 30 s 100 %")
    play = Play(writers=writers)
    assert peaks(play)["bills"] == Load(2000, 200_000)
    # nothing for 10 s, up to 2000/s within 10 s, down to 1000/s within 10 s, and that for the last 30 s
    assert totals(play)["bills"] == Load(10_000 + 15_000 + 30_000, 5_500_000)


def test_a_curve_that_is_cut_short_counts_up_to_there() -> None:
    writers = Producers(to="bills", rate="1000/s", size="100 B", curve="0 s 0 %, 2 min 100 %")
    load = totals(Play(writers=writers))["bills"]
    assert load is not None
    assert (load.records, load.bytes) == pytest.approx((15_000, 1_500_000))


def test_what_is_unlimited_has_no_number_and_neither_has_what_is_made_of_it() -> None:
    play = Play(writers=Producers(to="orders"))
    assert peaks(play) == {"orders": None, "bills": Load(), "copies": None}
    assert totals(play)["orders"] is None


def test_who_starts_later_is_not_promised_in_the_whole() -> None:
    play = Play(writers=Producers(to="orders", rate="1000/s", starts="later"))
    assert totals(play)["orders"] == Load()
    assert peaks(play)["orders"] == Load(1000, 1_024_000)


def test_readers_read_what_is_written_auditors_twice_and_a_limit_holds() -> None:
    loads = peaks(Play())
    assert read_by(Consumers(of="orders", group="g"), loads) == Load(3000, 300_000)
    assert read_by(Auditors(of="orders"), loads) == Load(6000, 600_000)
    assert read_by(Consumers(of="orders", group="g", rate="30 kB/s"), loads) == Load(300, 30_000)
    assert read_by(Consumers(of="orders", group="g", rate="9 MB/s"), loads) == Load(3000, 300_000)
    assert read_by(Consumers(of="orders", group="g", rate="9/s"), {"orders": None}) == Load(9, 0)
