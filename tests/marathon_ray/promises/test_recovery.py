"""WritableAgain: gaps between acknowledgements after a fault's begin, by partition."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marathon_ray.kafka.topics import Topic
from marathon_ray.promises.promise import Declared, Promise, Verdict
from marathon_ray.promises.recovery import WritableAgain
from marathon_ray.round import Doing, Phase, Round
from tests.marathon_ray.promises.rounds import DECLARED, FLEETS, TOPICS, a_round, a_shade, acks, judge

SOON: Promise = WritableAgain("orders", within="10 s")
AT_WORK = {"writers": Doing(workers=1, wanted=1)}
Times = Mapping[int, list[float]]  # by partition, when an acknowledgement came


def steady(begin: float, end: float) -> list[float]:
    """An acknowledgement each 100 ms."""
    return [begin + at / 10 for at in range(round((end - begin) * 10))]


def rounds(times: Times, edges: Iterable[float], fleets: Mapping[str, Doing] = AT_WORK, **more: Phase) -> list[Round]:
    """What rounds with these edges would tell of them."""
    edges = list(edges)
    out = []
    for since, until in pairwise(edges):
        mine = {each: [at for at in some if since <= at < until] for each, some in times.items()}
        rows = [(each, some[0], some[-1]) for each, some in mine.items() if some]
        out.append(a_round(since, until, fleets=fleets, acks=acks(*rows), **more))
    return out


def play(times: Times, *, end: int = 40, at: float = 10.0) -> Verdict:
    """A fault at that time, in a run with rounds of a second."""
    return judge(SOON, rounds(times, range(end + 1)), shades=(a_shade(at),))


def test_partitions_that_are_written_again_in_time_pass() -> None:
    verdict = play({0: [*steady(0, 10), *steady(13.4, 40)], 1: [*steady(0, 10.2), *steady(12, 40)], 2: steady(0, 40)})
    assert (verdict.state, verdict.safety) == ("passed", False)
    assert verdict.demanded == "every partition of orders is written again within 10 s of a fault"
    assert verdict.found == "every partition written again in 3.4 s"
    figures = {name: round(value, 3) for name, value in verdict.figures.items()}
    assert figures == {"slowest": 3.4, "median": 2.65, "affected": 2, "never": 0, "partitions": 3}


def test_a_partition_that_takes_longer_fails() -> None:
    verdict = play({0: steady(0, 40), 1: [*steady(0, 10), *steady(20.5, 40)], 2: steady(0, 40)})
    assert verdict.state == "failed"
    assert verdict.found == "1 of 3 partitions too late after kill at 10 s: partition 1 took 10.5 s"


def test_a_partition_that_is_never_written_again_fails_with_the_time_it_had() -> None:
    told = rounds({0: steady(0, 10.5), 1: steady(0, 16), 2: steady(0, 16)}, range(17))
    verdict = judge(SOON, told, shades=(a_shade(10),))
    assert (verdict.state, verdict.found) == ("undecided", "1 of 3 partitions are not written again yet")
    verdict = judge(SOON, [*told, a_round(16, 17, phase=Phase.DRAIN)], shades=(a_shade(10),))
    assert verdict.state == "failed"
    assert verdict.found == (
        "1 of 3 partitions too late after kill at 10 s: partition 0 was not written again in the 6 s it had"
    )


def test_a_partition_that_was_never_written_at_all_fails_as_well() -> None:
    assert play({0: steady(0, 40), 1: steady(0, 40)}).figures["never"] == 1


def test_one_that_goes_silent_for_good_later_on_fails() -> None:
    assert play({0: steady(0, 40), 1: steady(0, 25), 2: steady(0, 40)}).state == "failed"


def test_an_outage_is_counted_from_the_fault_where_it_began_before() -> None:
    silent = {each: [*steady(0, 6), *steady(19, 40)] for each in range(3)}
    assert play(silent).figures["slowest"] == pytest.approx(9)


def test_a_short_gap_long_after_is_no_long_outage() -> None:
    times = {each: [*steady(0, 30), *steady(30.8, 40)] for each in range(3)}
    assert play(times).figures["slowest"] == pytest.approx(0.9)


def test_gaps_below_the_floor_are_none() -> None:
    verdict = play({each: steady(0, 40) for each in range(3)})
    assert (verdict.state, verdict.figures["affected"]) == ("passed", 0)
    assert verdict.found == "no partition was without writes for more than 500 ms"


def test_each_fault_has_its_own_gaps() -> None:
    times = {each: [*steady(0, 10), *steady(18, 50), *steady(57, 80)] for each in range(3)}
    verdict = judge(SOON, rounds(times, range(81)), shades=(a_shade(50), a_shade(10)))
    assert (verdict.state, round(verdict.figures["slowest"], 1)) == ("passed", 8)
    times = {each: [*steady(0, 10), *steady(18, 50), *steady(62, 80)] for each in range(3)}
    verdict = judge(SOON, rounds(times, range(81)), shades=(a_shade(50), a_shade(10)))
    assert verdict.found == "3 of 3 partitions too late after kill at 50 s: partition 0 took 12 s"


def test_an_outage_that_goes_on_beyond_the_next_fault_counts_for_both() -> None:
    times = {each: [*steady(0, 10), *steady(25, 40)] for each in range(3)}
    verdict = judge(SOON, rounds(times, range(41)), shades=(a_shade(10), a_shade(18)))
    assert verdict.found == "3 of 3 partitions too late after kill at 10 s: partition 0 took 15 s"


def test_an_outage_that_only_the_drain_ends_is_as_long_as_it_was() -> None:
    times = {each: [*steady(0, 10), *steady(22, 23)] for each in range(3)}
    workload, drain = rounds(times, range(17)), rounds(times, range(16, 30), phase=Phase.DRAIN)
    verdict = judge(SOON, [*workload, *drain], shades=(a_shade(10),))
    assert (verdict.state, round(verdict.figures["slowest"], 1)) == ("failed", 12)
    assert verdict.figures["never"] == 0


def test_that_nobody_writes_in_a_drain_is_no_outage() -> None:
    times = {each: steady(0, 16) for each in range(3)}
    pieces = [*rounds(times, range(17)), *rounds(times, range(16, 40), phase=Phase.DRAIN)]
    assert judge(SOON, pieces, shades=(a_shade(10),)).figures["affected"] == 0


def test_nothing_is_missed_while_nobody_shall_write() -> None:
    times = {each: [*steady(0, 16), *steady(40, 50)] for each in range(3)}
    resting = {"writers": Doing(workers=1, wanted=0)}
    coming = {"writers": Doing(workers=0, wanted=1)}
    pieces = [
        *rounds(times, range(17)),
        *rounds(times, range(16, 31), resting),
        *rounds(times, range(30, 41), coming),
        *rounds(times, range(40, 51)),
    ]
    assert judge(SOON, pieces, shades=(a_shade(10),)).figures["affected"] == 0
    assert judge(SOON, rounds(times, range(51)), shades=(a_shade(10),)).state == "failed"


def test_an_outage_during_which_the_writers_were_stopped_lasted_until_then() -> None:
    times = {each: [*steady(0, 10), *steady(30 + each, 40)] for each in range(3)}
    resting = {"writers": Doing(workers=1, wanted=0)}

    def stopped(at: int) -> Verdict:
        pieces = [*rounds(times, range(at + 1)), *rounds(times, range(at, 31), resting), *rounds(times, range(30, 41))]
        return judge(SOON, pieces, shades=(a_shade(10),))

    assert (stopped(18).state, stopped(18).figures["slowest"]) == ("passed", 8)
    assert (stopped(22).state, stopped(22).figures["slowest"]) == ("failed", 12)


def test_what_the_bench_lacked_workers_for_is_no_outage() -> None:
    times = {each: [*steady(0, 10), *steady(30, 50)] for each in range(3)}

    def lacking(*seconds: int, fleet: str = "writers") -> Verdict:
        pieces = [replace(one, short=(fleet,) if one.since in seconds else ()) for one in rounds(times, range(51))]
        return judge(SOON, pieces, shades=(a_shade(10),))

    assert (lacking(*range(12, 24)).state, lacking(*range(12, 24)).figures["slowest"]) == ("passed", 8)
    assert (lacking(12, 13, 20, 21).state, lacking(12, 13, 20, 21).figures["slowest"]) == ("failed", 16)
    assert lacking(*range(12, 24), fleet="readers").state == "failed"


def test_a_partition_that_nobody_wrote_for_want_of_workers_is_not_called_dead() -> None:
    times = {0: steady(0, 30), 1: steady(0, 30), 2: steady(0, 9)}
    workload, drain = rounds(times, range(31)), rounds(times, range(30, 35), phase=Phase.DRAIN)
    short = [replace(one, short=("writers",)) if one.since >= 12 else one for one in workload]
    assert judge(SOON, [*workload, *drain], shades=(a_shade(10),)).state == "failed"
    assert judge(SOON, [*short, *drain], shades=(a_shade(10),)).state != "failed"


def test_workers_that_do_not_answer_end_no_outage() -> None:
    times = {each: [*steady(0, 10), *steady(21, 40)] for each in range(3)}
    hung = {"writers": Doing(workers=0, wanted=1)}
    pieces = [*rounds(times, range(16)), *rounds(times, (15, 16), hung), *rounds(times, range(16, 41))]
    assert judge(SOON, pieces, shades=(a_shade(10),)).state == "failed"


def test_without_a_fault_or_writes_after_it_nothing_is_decided() -> None:
    times = {each: steady(0, 20) for each in range(3)}
    assert judge(SOON, rounds(times, range(21))).found == "no fault was on"
    verdict = judge(SOON, rounds(times, range(21)), shades=(a_shade(18),))
    assert (verdict.state, verdict.found) == ("undecided", "nothing was written after a fault's begin")
    assert judge(SOON, rounds({}, range(21)), shades=(a_shade(2),)).state == "undecided"


def test_a_round_that_may_hide_an_outage_decides_nothing() -> None:
    times = {each: steady(0, 40) for each in range(3)}
    verdict = judge(SOON, rounds(times, [0, 9, 25, 40]), shades=(a_shade(10),))
    assert (verdict.state, verdict.found) == ("undecided", "a round of 15.9 s may hide an outage as long")
    drain = rounds({each: steady(40, 60) for each in range(3)}, (40, 60), phase=Phase.DRAIN)
    assert judge(SOON, [*rounds(times, range(41)), *drain], shades=(a_shade(10),)).state == "passed"


def test_another_topics_acknowledgements_do_not_count() -> None:
    elsewhere = [a_round(at, at + 1, fleets=AT_WORK, acks=acks((0, at, at + 0.9), topic=2)) for at in range(40)]
    assert judge(SOON, elsewhere, shades=(a_shade(10),)).state == "undecided"


def test_partitions_that_are_added_are_looked_at_too() -> None:
    times = {**{each: steady(0, 40) for each in range(3)}, 3: [*steady(5, 10), *steady(25, 40)]}
    verdict = play(times)
    assert (verdict.state, verdict.figures["partitions"]) == ("failed", 4)


def test_rows_of_several_writers_of_a_partition_are_one() -> None:
    both = [
        a_round(at, at + 1, fleets=AT_WORK, acks=acks(*((each, at, at + 0.4) for each in range(3)), (0, at + 0.5, at + 0.9)))
        for at in range(40)
    ]  # fmt: skip
    assert judge(SOON, both, shades=(a_shade(10),)).figures["affected"] == 2


gap = st.tuples(st.floats(0, 38), st.floats(0.6, 25))


@given(gap, gap, st.lists(st.floats(0.1, 1), min_size=30, max_size=30), st.sampled_from([2, 14]), st.floats(3, 25))
def test_however_rounds_are_cut_it_passes_only_what_held_and_fails_only_what_did_not(
    one: tuple[float, float], other: tuple[float, float], lengths: list[float], most: int, fault: float
) -> None:
    everything = steady(0, 60)
    kept = [at for at in everything if all(not start <= at < start + long for start, long in (one, other))]
    edges = [0.0]
    for length in [*lengths, *[1.0] * 60]:
        edges.append(min(60.0, edges[-1] + length * most))
    edges = sorted(set(edges))
    declared = Declared({**TOPICS, "orders": Topic(partitions=1)}, FLEETS)
    verdict = judge(SOON, rounds({0: kept}, edges), declared=declared, shades=(a_shade(fault),))
    ends = [0.0, *kept, 60.0]
    longest = max((after - max(before, fault) for before, after in pairwise(ends) if after > fault), default=0)
    if abs(longest - 10) > 0.01:
        assert verdict.state in (("passed", "undecided") if longest < 10 else ("failed", "undecided"))


def test_mistakes_name_what_nobody_declared_or_writes() -> None:
    assert list(WritableAgain("ordrs", within=1).mistakes(DECLARED)) == [
        "topic ordrs is not declared: did you mean orders?"
    ]
    silent = Declared(TOPICS, {"readers": FLEETS["readers"]})
    (mistake,) = WritableAgain("orders", within=1).mistakes(silent)
    assert mistake.startswith("topic orders is written by no fleet")
    assert list(WritableAgain("copies", within=1).mistakes(DECLARED)) == []
