"""Whose a stream is: a copy carries its input's client, and is its writer's all the same."""

import pytest

from actors.tally import Life, Outcome
from tests.model.bench import CLIENT, Bench

_OWN_CLIENT = 8


def report(bench: Bench, worker: str) -> None:
    """The producer "p" attempted 100 records of topic 0 and heard of 80, "t" copied 50 to topic 1 and heard of 40."""
    topic, client, attempted, told = {"p": (0, CLIENT, 100, 80), "t": (1, _OWN_CLIENT, 50, 40)}[worker]
    stream = (CLIENT, 0, topic)
    bench.take(
        worker,
        clients=[(client, Life.OPEN)],
        attempts=[(*stream, attempted)],
        claims=[(*stream, Outcome.ACKNOWLEDGED, 0, told - 1, 0, told - 1, 1, 1)],
    )


@pytest.mark.parametrize("order", ["pt", "tp", "ptp", "tpt"])
@pytest.mark.parametrize(("dead", "left"), [("p", 20), ("t", 10)])
def test_a_dead_worker_leaves_what_it_wrote_itself_whoever_reported_of_that_client_last(
    order: str, dead: str, left: int
) -> None:
    bench = Bench(groups={})
    for worker in order:
        report(bench, worker)
    assert bench.accounts.bury(dead, at=1).pending == left
    assert (bench.total("unknown"), bench.total("pending")) == (left, 30 - left)


@pytest.mark.parametrize("closed_first", [True, False])
def test_copies_that_were_not_reported_are_unknown_though_their_inputs_client_was_closed(closed_first: bool) -> None:
    bench = Bench(groups={})
    if not closed_first:
        report(bench, "t")
    report(bench, "p")
    bench.take("p", clients=[(CLIENT, Life.CLOSED)])
    if closed_first:
        report(bench, "t")
    bench.accounts.bury("t", at=1)
    assert (bench.total("unknown"), bench.total("pending")) == (30, 0)
