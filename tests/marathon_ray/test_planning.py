"""A plan sizes every fleet and tells each mistake in a sentence, before anything exists."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest

from actors.spec import Auditors, Consumers, Producers, Transactors
from marathon_ray.kafka.topics import Topic
from marathon_ray.planning import mistakes, plan, resolved, workers_of
from marathon_ray.playable import AUDITORS
from marathon_ray.promises.drained import Drained
from marathon_ray.promises.promise import Declared, Ending, Promise, State, Verdict
from marathon_ray.round import Round
from marathon_ray.scenario import Scenario
from marathon_ray.toolkit import Toolkit


class Keeps:
    """A promise about a topic."""

    safety: ClassVar[bool] = False

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def mistakes(self, declared: Declared) -> Iterator[str]:
        if self.topic not in declared.topics:
            yield f"Keeps: {self.topic} is no topic"

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> State:
        return ordinals[self.topic]

    def step(self, state: State, round_: Round) -> State:
        return state

    def verdict(self, state: State, ending: Ending) -> Verdict:
        return Verdict("Keeps", f"{self.topic}, topic {state}, is kept", "nothing yet", "undecided")


class Play(Scenario):
    """It holds."""

    orders: Topic = Topic(partitions=12)
    writers: Producers = Producers(to="orders", rate="100 MB/s")
    readers: Consumers = Consumers(of="orders", group="live")
    about: str = "orders"

    @property
    def lasts(self) -> float:
        return 60.0

    def promises(self) -> Iterator[Promise]:
        yield Keeps(self.about)

    async def workload(self, kit: Toolkit) -> None:
        """It is not played."""


def test_one_worker_does_what_one_can_and_more_do_more() -> None:
    assert workers_of(Play()) == {AUDITORS: 2, "writers": 1, "readers": 1}  # an auditor reads all of it twice
    fast = Play(writers=Producers(to="orders", rate="301 MB/s"))
    assert workers_of(fast) == {AUDITORS: 5, "writers": 3, "readers": 3}
    small = Play(writers=Producers(to="orders", rate="301k records/s", size="100 B"))
    assert workers_of(small) == {AUDITORS: 3, "writers": 2, "readers": 2}


def test_no_more_workers_are_planned_than_there_is_room_for() -> None:
    one = Play(orders=Topic(partitions=1), writers=Producers(to="orders", rate="3 GB/s", writers_per_partition=4))
    assert workers_of(one) == {AUDITORS: 1, "writers": 4, "readers": 1}


def test_what_is_unlimited_or_idle_has_one_worker_and_what_is_declared_is_kept() -> None:
    assert workers_of(Play(writers=Producers(to="orders"))) == {AUDITORS: 1, "writers": 1, "readers": 1}
    declared = Play(writers=Producers(to="orders", workers=7), readers=Consumers(of="orders", group="g", workers=5))
    assert workers_of(declared) == {AUDITORS: 1, "writers": 7, "readers": 5}


def test_declared_auditors_stand_in_for_ours_where_they_audit() -> None:
    class Audited(Play):
        """It holds."""

        bills: Topic = Topic(partitions=2)
        mine: Auditors = Auditors(of="orders", workers=3)

    fleets = plan(Audited()).fleets
    assert fleets["mine"].workers == 3
    ours = fleets[AUDITORS].spec
    assert isinstance(ours, Auditors)
    assert ours.of == ("bills",)


def test_what_was_left_open_and_what_the_bench_adds_is_resolved() -> None:
    play = Play(writers=Producers(to="orders", rate="301 MB/s"))
    fields = resolved(play)
    assert {name: fields[name]["workers"] for name in (AUDITORS, *play.fleets)} == workers_of(play)
    assert (fields[AUDITORS]["of"], fields[AUDITORS]["trailing"]) == (["orders"], "20 s")
    assert fields["writers"] == play.model_dump(mode="json")["writers"] | {"workers": 3}
    assert fields["about"] == "orders"


def test_a_plan_has_the_load_the_groups_and_the_promises_in_words() -> None:
    planned = plan(Play())
    assert (planned.name, planned.promise, planned.lasts, planned.mistakes) == ("play", "It holds.", 60.0, ())
    load = planned.totals["orders"]
    assert load is not None
    assert load.bytes == pytest.approx(6e9)
    assert planned.groups == ("live",)
    assert planned.workers == 4
    assert planned.demands == ("orders, topic 1, is kept",)


MISTAKES = {
    "writes to nowhere": (
        {"writers": Producers(to="order")},
        "writers: writes to order, which is no topic of the scenario; did you mean orders?",
    ),
    "reads nothing": (
        {"readers": Consumers(of=("orders", "x"), group="g")},
        "readers: reads x, which is no topic of the scenario; there are orders",
    ),
    "a promise about nothing": ({"about": "bills"}, "Keeps: bills is no topic"),
    "more members than partitions": (
        {"readers": Consumers(of="orders", group="g", workers=13)},
        "readers: 13 workers for 12 partitions: at most 12 would have something to do",
    ),
    "more writers than fit": (
        {"writers": Producers(to="orders", workers=13, writers_per_partition=1)},
        "writers: 13 workers for 12 partitions with 1 writers each: at most 12 would have something to do",
    ),
}


@pytest.mark.parametrize(("fields", "line"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_costs_a_sentence_and_nothing_is_demanded(fields: dict[str, Any], line: str) -> None:
    planned = plan(Play(**fields))
    assert planned.mistakes == (line,)
    assert planned.demands == ()


def test_replicas_need_brokers_where_their_number_is_known() -> None:
    assert mistakes(Play()) == mistakes(Play(), brokers=3) == []
    (line,) = mistakes(Play(), brokers=1)
    assert line.startswith("orders: replication 3 is more than the cluster's 1 brokers; ")
    assert line.endswith("lower it with --orders.replication 1 --orders.min_insync 1")


def test_fleets_that_contradict_each_other_are_told() -> None:
    class Contradicted(Play):
        """It holds."""

        orders: Topic = Topic(partitions=12, retention="5 min")
        others: Consumers = Consumers(of="orders", group="live", protocol="consumer")
        first: Auditors = Auditors(of="orders", trailing="10 s")
        second: Auditors = Auditors(of="orders", trailing="5 min")
        copier: Transactors = Transactors(of="orders", to=("bills", "books"), group="copy")

    assert mistakes(Contradicted()) == [
        "others: protocol consumer, but readers is in group live with classic",
        "second: orders is audited by first already",
        "second: its second look at orders comes after up to 5 min 35 s, but records are kept for 5 min",
        "copier: writes to bills, which is no topic of the scenario; there are orders",
        "copier: writes to books, which is no topic of the scenario; there are orders",
        "copier: copies 1 topics to 2: each needs one of its own",
    ]


def test_copies_keep_their_partition_so_there_must_be_as_many() -> None:
    class Narrowed(Play):
        """It holds."""

        copies: Topic = Topic(partitions=3)
        copier: Transactors = Transactors(of="orders", to="copies", group="copy")

    line = "copier: copies orders of 12 partitions to copies of 3: copies keep theirs"
    assert mistakes(Narrowed(orders=Topic(partitions=12))) == [line]
    assert mistakes(Narrowed(orders=Topic(partitions=3))) == []


def test_a_group_that_may_not_read_as_fast_as_is_written_cannot_be_promised_to_catch_up() -> None:
    class Chased(Play):
        """It holds."""

        def promises(self) -> Iterator[Promise]:
            yield Drained("readers", within="1 min")

    def limited(rate: str) -> list[str]:
        return mistakes(Chased(readers=Consumers(of="orders", group="live", rate=rate)))

    (line,) = limited("99 MB/s")
    assert line == "readers: may read 99 MB/s, and more is written: it never catches up"
    assert limited("101 MB/s") == limited("unlimited") == []


def test_a_plan_tells_what_the_settings_take_away_and_what_it_costs() -> None:
    planned = plan(Play(writers=Producers(to="orders", rate="1M records/s", size="100 B", acks="1", idempotent=False)))
    assert any(line.startswith("orders: lost, since ") for line in planned.allowed)
    assert not any(line.startswith("orders: lost, since ") for line in plan(Play()).allowed)
    assert planned.fleets["writers"].cores == pytest.approx(0.325)  # 0.33 µs a record were measured
    assert planned.fleets["readers"].cores == pytest.approx(0.32)
    assert plan(Play(writers=Producers(to="orders"))).fleets["writers"].cores is None


def test_a_promise_with_a_value_that_cannot_be_is_a_mistake_of_the_plan() -> None:
    class Vague(Play):
        """It holds."""

        def promises(self) -> Iterator[Promise]:
            Topic(partitions=0)
            yield Keeps("orders")

    assert mistakes(Vague()) == ["Topic.partitions 0: Input should be greater than or equal to 1"]


def test_a_scenario_has_as_long_as_it_says_or_some_times_what_it_lasts_or_a_day() -> None:
    class Endless(Play):
        """It holds."""

        @property
        def lasts(self) -> float:
            return 0.0

    limits = [plan(each).at_most for each in (Play(at_most="5 min"), Play(), Endless())]
    assert limits == [300.0, 3 * 60.0 + 7_200.0, 86_400.0]
    assert mistakes(Play(at_most="1 min")) == ["at_most 1 min: the workload takes at least 1 min"]
    assert mistakes(Play(at_most="61 s")) == mistakes(Endless(at_most="1 s")) == []
