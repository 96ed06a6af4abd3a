"""Integrity: what the accounts found, less what was withdrawn and what the settings allow."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.spec import Producers
from actors.tally import Outcome
from marathon_ray.balance import Balance
from marathon_ray.finding import Finding, Tail, Window
from marathon_ray.finding import FindingKind as Kind
from marathon_ray.kafka.kept import Kept
from marathon_ray.kafka.topics import Topic
from marathon_ray.promises.integrity import Integrity
from marathon_ray.promises.promise import Declared, Ending, Promise, Verdict
from tests.marathon_ray.promises.rounds import (
    DECLARED,
    FLEETS,
    TOPICS,
    a_round,
    a_shade,
    balance,
    found,
    judge,
    settled,
)
from tests.model.bench import Bench

ORDERS: Promise = Integrity("orders")
LOST = found(Kind.LOST, 10, 14)


def test_what_is_all_there_passes_with_its_figures() -> None:
    verdict = judge(ORDERS, [a_round(0, 1)], balance=balance(8_203_118, unknown=3))
    assert (verdict.state, verdict.safety, verdict.promise) == ("passed", True, 'Integrity("orders")')
    assert verdict.found == "8,203,118 acknowledged, 8,203,118 found, 0 lost, 0 doubled, 0 out of order"
    assert verdict.demanded == "every acknowledged record of orders is there once and in order"
    assert (verdict.figures["acknowledged"], verdict.figures["lost"], verdict.figures["unknown"]) == (8_203_118, 0, 3)


def test_a_loss_fails() -> None:
    verdict = judge(ORDERS, [a_round(0, 1, settled=settled(LOST))], balance=balance(100, lost=5))
    assert verdict.state == "failed"
    assert verdict.found == "100 acknowledged, 95 found, 5 lost, 0 doubled, 0 out of order"


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.UNOWNED, Kind.LOST, Kind.GONE)])
def test_every_other_finding_fails_as_well(kind: Kind) -> None:
    verdict = judge(ORDERS, [a_round(0, 1, settled=settled(found(kind, 0, 0)))], balance=balance(100))
    assert verdict.state == "failed"


def test_a_client_that_a_dead_worker_may_have_opened_is_told_and_nobodys_fault() -> None:
    verdict = judge(ORDERS, [a_round(0, 1, settled=settled(found(Kind.UNOWNED, 0, 3)))], balance=balance(100))
    assert (verdict.state, verdict.figures["unowned"]) == ("passed", 4)


def test_what_is_withdrawn_was_never_found() -> None:
    rounds = [a_round(0, 1, settled=settled(LOST)), a_round(1, 2, settled=Window(withdrawn=(LOST,)))]
    assert judge(ORDERS, rounds, balance=balance(100)).state == "passed"


def test_what_is_found_again_after_it_was_withdrawn_stands() -> None:
    again = [settled(LOST), Window(withdrawn=(LOST,)), settled(LOST)]
    rounds = [a_round(at, at + 1, settled=window) for at, window in enumerate(again)]
    assert judge(ORDERS, rounds, balance=balance(100, lost=5)).figures["lost"] == 5


def test_another_topics_findings_and_counts_are_not_looked_at() -> None:
    others = {**balance(100).places, **balance(50, lost=50, topic=3).places}
    rounds = [a_round(0, 1, settled=settled(found(Kind.LOST, 0, 49, topic=3)))]
    verdict = judge(ORDERS, rounds, balance=Balance(others))
    assert (verdict.state, verdict.figures["acknowledged"]) == ("passed", 100)
    assert judge(Integrity("orders", "loose"), rounds, balance=Balance(others)).state == "passed"  # allowed by acks=1
    assert judge(Integrity("orders", "copies"), rounds, balance=Balance(others)).state == "passed"


def test_what_the_settings_allow_is_told_and_passes() -> None:
    lost = found(Kind.LOST, 0, 49, topic=3)
    verdict = judge(Integrity("loose"), [a_round(0, 1, settled=settled(lost))], balance=balance(90, lost=50, topic=3))
    assert (verdict.state, verdict.figures["lost"], verdict.figures["allowed"]) == ("passed", 50, 50)
    assert "allowed are 50 lost" in verdict.found
    assert "but for what the settings allow" in verdict.demanded
    gone = found(Kind.GONE, 0, 49, topic=3)
    verdict = judge(Integrity("loose"), [a_round(0, 1, settled=settled(gone))], balance=balance(90, lost=50, topic=3))
    assert verdict.state == "failed"  # both passes read below the high watermark


def test_an_unclean_election_excuses_a_loss_only_beside_a_fault() -> None:
    topics = {**TOPICS, "orders": Topic(partitions=3, unclean=True)}
    declared, rounds = Declared(topics, FLEETS), [a_round(0, 1, settled=settled(LOST))]
    counts = balance(100, lost=5)
    assert judge(ORDERS, rounds, declared=declared, balance=counts, shades=(a_shade(0.5),)).state == "passed"
    assert judge(ORDERS, rounds, declared=declared, balance=counts).state == "failed"


def test_what_is_gone_is_undecided_where_the_cluster_does_not_say_how_long_it_keeps_records() -> None:
    rounds = [a_round(0, 1, settled=settled(found(Kind.EXPIRED_EARLY, 0, 4)))]
    for kept in ({}, {"orders": Kept(3600.0, None)}):
        verdict = judge(ORDERS, rounds, balance=balance(100, expired=5), kept=kept)
        assert verdict.state == "undecided"
        assert "5 are gone, and the cluster does not say how long it keeps records" in verdict.found
    lost = [*rounds, a_round(1, 2, settled=settled(LOST))]
    assert judge(ORDERS, lost, balance=balance(100, expired=5, lost=5), kept={}).state == "failed"
    assert judge(ORDERS, rounds, balance=balance(100, expired=5)).state == "failed"


def test_a_log_that_cannot_have_been_full_excuses_no_record_that_is_gone() -> None:
    rounds = [a_round(0, 1, settled=settled(found(Kind.EXPIRED_EARLY, 0, 4)))]
    full = {"orders": Kept(math.inf, 1000.0)}
    for held, state in (({}, "passed"), ({"orders": 1001.0}, "passed"), ({"orders": 1000.0}, "failed")):
        assert judge(ORDERS, rounds, balance=balance(100, expired=5), kept=full, held=held).state == state


def test_nothing_acknowledged_proves_nothing() -> None:
    verdict = judge(ORDERS, [a_round(0, 1)], balance=balance(0))
    assert (verdict.state, "nothing was acknowledged" in verdict.found) == ("undecided", True)


def test_what_was_not_audited_is_undecided_unless_a_loss_is_settled() -> None:
    verdict = judge(ORDERS, [a_round(0, 1)], balance=balance(100, unaudited=30), drained=False)
    assert (verdict.state, "30 acknowledged are not audited" in verdict.found) == ("undecided", True)
    assert judge(ORDERS, [a_round(0, 1)], balance=balance(100, unaudited=30)).state == "undecided"
    verdict = judge(ORDERS, [a_round(0, 1)], balance=balance(100), drained=False)
    assert (verdict.state, "not read to their ends" in verdict.found) == ("undecided", True)
    lossy = [a_round(0, 1, settled=settled(LOST))]
    assert judge(ORDERS, lossy, balance=balance(100, lost=5, unaudited=30), drained=False).state == "failed"


def test_what_lost_writers_left_in_the_dark_is_told_and_decides_nothing_where_it_is_much() -> None:
    def dark(*tails: Tail, fleet: str = "writers", promise: Promise = ORDERS) -> Verdict:
        return judge(promise, [], balance=balance(10_000), tails={fleet: tails})

    little = dark(Tail("writers-1", 2, 3), Tail("writers-2", 1, 4))
    assert (little.state, little.figures["in the dark"]) == ("passed", 10)
    assert little.found.endswith("; lost workers left up to 10 in the dark")
    much = dark(Tail("writers-1", 2, 9))
    assert much.state == "undecided"
    assert much.found.endswith("; lost workers left up to 11 in the dark, which is more than 0.1 % of all")
    assert dark(Tail("writers-1", 2, 9), promise=Integrity("orders", dark="1 %")).state == "passed"
    assert dark(Tail("careless-1", 2, 9), fleet="careless").state == "passed"
    assert dark(Tail("auditors-1", 2, 9), fleet="nobody declared them").state == "passed"
    lost = judge(
        ORDERS,
        [a_round(0, 1, settled=settled(LOST))],
        balance=balance(10, lost=5),
        tails={"writers": (Tail("w", 2, 9),)},
    )
    assert lost.state == "failed"


def test_books_that_do_not_add_up_are_told() -> None:
    verdict = judge(ORDERS, [a_round(0, 1)], balance=Balance({(1, 0): {"attempted": 9, "acknowledged": 9, "found": 8}}))
    assert verdict.state == "failed"
    assert "the books do not add up: acknowledged of topic 1 partition 0" in verdict.found


def test_a_loss_in_the_counts_that_no_finding_names_is_told() -> None:
    verdict = judge(ORDERS, [a_round(0, 1)], balance=balance(100, lost=5))
    assert (verdict.state, "5 lost, 0 of them named" in verdict.found) == ("failed", True)
    assert judge(ORDERS, [a_round(0, 1)], balance=balance(100, lost=5), drained=False).state == "undecided"


def test_a_finding_that_counts_no_records_does_not_read_as_none() -> None:
    recreated = Finding(kind=Kind.RECREATED, topic=1)
    verdict = judge(ORDERS, [a_round(0, 1, settled=settled(recreated))], balance=balance(100))
    assert (verdict.state, verdict.figures["recreated"]) == ("failed", 1)


@given(st.lists(st.sampled_from(Kind), max_size=8), st.lists(st.integers(0, 8), max_size=4))
def test_however_the_windows_are_cut_the_verdict_is_the_same(kinds: list[Kind], cuts: list[int]) -> None:
    findings = [found(kind, 10 * at, 10 * at + 4) for at, kind in enumerate(kinds)]
    edges = sorted({0, len(findings), *(min(at, len(findings)) for at in cuts)})
    pieces = [settled(*findings[left:right]) for left, right in pairwise(edges)]
    lost = 5 * sum(kind in (Kind.LOST, Kind.GONE) for kind in kinds)
    whole = judge(ORDERS, [a_round(0, 9, settled=settled(*findings))], balance=balance(100, lost=lost))
    rounds = [a_round(at, at + 1, settled=window) for at, window in enumerate(pieces)]
    assert judge(ORDERS, rounds, balance=balance(100, lost=lost)) == whole


def test_a_misspelt_topic_is_told_with_the_nearest() -> None:
    assert list(Integrity("oders").mistakes(DECLARED)) == ["topic oders is not declared: did you mean orders?"]


def test_writers_that_promise_different_things_are_told() -> None:
    declared = Declared(TOPICS, {**FLEETS, "hasty": Producers(to=("orders",), acks="1", idempotent=False)})
    (mistake,) = Integrity("orders").mistakes(declared)
    assert mistake == (
        "topic orders is written in several ways (acks=1, acks=all, idempotent): what is allowed cannot be told apart"
    )


def test_topics_are_given_one_by_one_or_together() -> None:
    assert Integrity("orders", "copies") == Integrity(of=("orders", "copies"))
    assert Integrity(of="orders") == ORDERS
    with pytest.raises(ValidationError, match="name one or more"):
        Integrity("orders", "orders")


@pytest.mark.parametrize(("entries", "state", "figures"), [
    ([(at, at) for at in range(10)], "passed", (10, 0, 0)),
    ([(at, at) for at in range(10) if at != 5], "failed", (9, 1, 0)),
    ([*((at, at) for at in range(10)), (10, 3)], "failed", (10, 0, 1)),
])  # fmt: skip
def test_real_accounts_are_judged(entries: list[tuple[int, int]], state: str, figures: tuple[int, int, int]) -> None:
    bench = Bench()
    bench.write(Outcome.ACKNOWLEDGED, 0, 9, offset=0)
    bench.both(entries)
    windows = [bench.accounts.settle(), bench.accounts.finish()]
    ending = Ending(DECLARED, {"orders": 0}, bench.accounts.balance())
    now = ORDERS.begin(DECLARED, ending.ordinals)
    for at, window in enumerate(windows):
        now = ORDERS.step(now, a_round(at, at + 1, settled=window))
    verdict = ORDERS.verdict(now, ending)
    assert (verdict.state, *(verdict.figures[name] for name in ("found", "lost", "doubled"))) == (state, *figures)
