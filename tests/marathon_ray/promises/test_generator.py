"""GeneratorHonest: the bench was slow, or incomplete, and not the target."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from marathon_ray.promises.generator import GeneratorHonest
from marathon_ray.promises.promise import Promise, Verdict
from marathon_ray.round import Doing, Phase
from tests.marathon_ray.promises.rounds import a_round, cut, every_second, judge, took

HONEST: Promise = GeneratorHonest()


def lagging(*milliseconds: float, each: int = 100, busiest: float = 0.95) -> Doing:
    return Doing(workers=1, wanted=1, latencies={"lag": took(*milliseconds, each=each)}, busiest=busiest)


def test_who_begins_in_time_passes_however_busy() -> None:
    verdict = judge(HONEST, every_second(20, writers=lagging(2, 900)))
    assert (verdict.state, verdict.safety, verdict.promise) == ("passed", False, GeneratorHonest.__name__)
    assert verdict.demanded == "the bench kept its own schedule"
    assert verdict.found == "0 % of a fleet's records began late for want of time"


def test_who_begins_late_for_want_of_time_fails() -> None:
    verdict = judge(HONEST, every_second(20, writers=lagging(2, 1100)))
    assert (verdict.state, verdict.figures["late"]) == ("failed", 0.5)
    assert verdict.found == "writers began 50 % of their records more than 1 s late, with 95 % of a core in use"


def test_it_is_told_how_busy_they_were_when_they_were_late() -> None:
    rounds = [*every_second(10, writers=lagging(2, busiest=1.9)), *every_second(10, writers=lagging(1100, busiest=0.9))]
    assert judge(HONEST, rounds).found.endswith("with 90 % of a core in use")


def test_who_begins_late_with_time_to_spare_waited_for_the_target() -> None:
    assert judge(HONEST, every_second(20, writers=lagging(5000, busiest=0.85))).state == "passed"


def test_who_begins_late_since_there_are_too_many_on_its_node_fails() -> None:
    def crowded(full: float) -> Verdict:
        idle = replace(lagging(2, busiest=0.1), full=0.1)
        return judge(HONEST, every_second(20, writers=replace(lagging(5000, busiest=0.5), full=full), others=idle))

    verdict = crowded(0.98)
    assert verdict.state == "failed"
    assert verdict.found == "writers began 100 % of their records more than 1 s late, with 98 % of a node in use"
    assert crowded(0.85).state == "passed"


def test_who_begins_late_on_a_node_with_room_waited_for_the_target_though_another_node_is_full() -> None:
    others = replace(lagging(2, busiest=0.5), full=0.98)
    late = replace(lagging(5000, busiest=0.5), full=0.2)
    assert judge(HONEST, every_second(20, writers=late, others=others)).state == "passed"


def test_one_late_record_in_a_hundred_is_borne() -> None:
    fine = every_second(99, writers=lagging(2))
    assert judge(HONEST, [*fine, a_round(99, 100, fleets={"writers": lagging(4000)})]).state == "passed"
    assert judge(HONEST, [*fine[1:], a_round(99, 100, fleets={"writers": lagging(4000)})]).state == "failed"


def test_a_bench_that_lacks_workers_in_most_of_the_workload_fails() -> None:
    def lacking(seconds: int, faults: tuple[str, ...] = ()) -> Verdict:
        whole = every_second(20, writers=lagging(2))
        return judge(
            HONEST, [replace(one, short=("readers",), faults=faults) for one in whole[:seconds]] + whole[seconds:]
        )

    assert (
        lacking(10).found == "0 % of a fleet's records began late for want of time; it lacked workers for 10 s of 20 s"
    )
    assert (lacking(10).state, lacking(10).figures["short of workers"]) == ("passed", 10)
    assert (lacking(11).state, lacking(11).found) == (
        "failed", "readers lacked workers, or made up for it, for 11 s of 20 s",
    )  # fmt: skip
    assert lacking(11, faults=("kill",)).state == "failed"


def test_a_fault_and_the_debt_that_it_leaves_are_not_looked_at() -> None:
    bad = {"writers": lagging(5000)}
    hit = [a_round(at, at + 1, fleets=bad, faults=("pause",)) for at in range(20)]
    owing = [a_round(at, at + 1, fleets=bad) for at in range(20, 30)]
    verdict = judge(HONEST, [*hit, *owing])
    assert (verdict.state, verdict.found) == ("undecided", "nothing was seen outside faults")
    assert judge(HONEST, [*hit, *owing, a_round(30, 31, fleets=bad)]).state == "failed"


def test_only_the_workload_is_looked_at() -> None:
    bad = {"writers": lagging(5000)}
    rounds = [a_round(at, at + 1, fleets=bad, phase=phase) for at, phase in enumerate(Phase) if phase != Phase.WORKLOAD]
    assert judge(HONEST, rounds).state == "undecided"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([2, 1500]), st.integers(1, 60), st.booleans(), st.integers(0, 1), st.floats(0.1, 0.9)
        ),
        min_size=1,
        max_size=20,
    )
)
def test_however_rounds_are_cut_the_verdict_is_the_same(seconds: list[tuple[int, int, bool, int, float]]) -> None:
    rounds = []
    for at, (late, each, busy, workers, _) in enumerate(seconds):
        doing = replace(lagging(late, each=each, busiest=0.9 if busy else 0.2), workers=workers)
        rounds.append(a_round(at, at + 1, fleets={"writers": doing}))
    pieces = [piece for whole, (*_, share) in zip(rounds, seconds, strict=True) for piece in cut(whole, share)]
    assert judge(HONEST, rounds).state == judge(HONEST, pieces).state
