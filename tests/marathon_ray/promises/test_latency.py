"""Latency: histograms are merged before a percentile is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from marathon_ray.promises.latency import Latency
from marathon_ray.promises.promise import Promise
from marathon_ray.round import Doing, Phase
from tests.marathon_ray.promises.rounds import DECLARED, a_round, cut, every_second, judge, took

FAST: Promise = Latency("writers", percentile=99, below="100 ms", outside="faults")


def responding(*milliseconds: float, each: int = 1) -> Doing:
    return Doing(workers=1, wanted=1, latencies={"response": took(*milliseconds, each=each)})


def test_a_percentile_below_the_limit_passes() -> None:
    verdict = judge(FAST, every_second(3, writers=responding(5, 6, 7, each=100)))
    assert verdict.state == "passed"
    assert verdict.demanded == "p99 of the response latency of writers is below 100 ms outside faults"
    assert verdict.found.startswith("p99 was 7.")
    assert verdict.figures["records"] == 900


def test_slow_records_beyond_the_share_fail() -> None:
    fast, slow = every_second(1, writers=responding(5, each=989)), every_second(1, writers=responding(150, each=11))
    verdict = judge(FAST, [*fast, *slow])
    assert (verdict.state, verdict.figures["p99"] > 0.15) == ("failed", True)
    fewer = every_second(1, writers=responding(150, each=9))
    assert judge(FAST, [*fast, *fewer]).state == "passed"


def test_percentiles_of_rounds_are_not_averaged() -> None:
    rounds = [*every_second(99, writers=responding(5, each=1)), *every_second(1, writers=responding(500, each=9900))]
    assert judge(FAST, rounds).state == "failed"


def test_rounds_are_chosen_by_faults_and_phase() -> None:
    calm = a_round(0, 1, fleets={"writers": responding(5)})
    hit = a_round(1, 2, fleets={"writers": responding(900)}, faults=("pause",))
    early = a_round(0, 1, fleets={"writers": responding(900)}, phase=Phase.WARMUP)
    short = a_round(2, 3, fleets={"writers": responding(900)}, short=("writers",))
    assert judge(FAST, [early, calm, hit, short]).state == "passed"
    inside = Latency("writers", percentile=99, below="100 ms", inside="faults")
    assert judge(inside, [early, calm, hit]).state == "failed"
    assert judge(inside, [early, calm]).state == "undecided"
    assert judge(Latency("writers", percentile=100, below="100 ms"), [calm, hit]).state == "failed"


def test_nothing_measured_is_undecided() -> None:
    verdict = judge(FAST, every_second(3, writers=Doing()))
    assert (verdict.state, verdict.found) == ("undecided", "nothing was measured outside faults")


def test_consumers_measure_from_end_to_end() -> None:
    reading = Doing(workers=1, wanted=1, latencies={"end to end": took(20)})
    promise = Latency("readers", percentile=50, below=0.1, of="end to end")
    assert judge(promise, every_second(3, readers=reading)).state == "passed"


@given(
    st.lists(
        st.tuples(st.integers(1, 200), st.integers(1, 50), st.booleans(), st.floats(0.1, 0.9)), min_size=1, max_size=8
    )
)
def test_however_rounds_are_cut_the_verdict_is_the_same(seconds: list[tuple[int, int, bool, float]]) -> None:
    rounds = [
        a_round(at, at + 1, fleets={"writers": responding(ms, each=each)}, faults=("kill",) if hit else ())
        for at, (ms, each, hit, _) in enumerate(seconds)
    ]
    pieces = [piece for whole, (*_, share) in zip(rounds, seconds, strict=True) for piece in cut(whole, share)]
    assert judge(FAST, rounds) == judge(FAST, pieces)


def test_mistakes_name_what_is_not_there() -> None:
    (mistake,) = Latency("riters", below="1 s").mistakes(DECLARED)
    assert mistake == "fleet riters is not declared: did you mean writers?"
    (mistake,) = Latency("readers", below="1 s").mistakes(DECLARED)
    assert mistake == "readers are Consumers, which do not measure 'response': use of='end to end'"
    (mistake,) = Latency("auditors", below="1 s").mistakes(DECLARED)
    assert mistake.endswith("only Producers and Consumers do")


@pytest.mark.parametrize("bad", [{"below": 0}, {"below": "1 s", "percentile": 0}, {"below": "1 s", "percentile": 101}])
def test_what_is_no_limit_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Latency("writers", **bad)  # type: ignore[arg-type]
