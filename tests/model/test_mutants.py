"""The board of planted errors: a case or the properties catch each of them, with the same examples every time."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from actors.intervals import Numbers
from marathon_ray import audit, deliveries
from marathon_ray.accounts import Accounts
from marathon_ray.claims import Claims
from marathon_ray.finds import Finds
from marathon_ray.judge import Column, Setting, judge
from marathon_ray.reach import Reach
from marathon_ray.stable import StableEnds
from tests.marathon_ray import test_accounts_cases, test_accounts_groups, test_stable
from tests.model.test_properties import Truth

Patch = Callable[[pytest.MonkeyPatch], None]
SETTINGS = settings(
    max_examples=60, stateful_step_count=30, deadline=None, database=None, derandomize=True, phases=(Phase.generate,)
)
CASES = [
    case
    for module in (test_accounts_cases, test_accounts_groups, test_stable)
    for name, case in vars(module).items()
    if name.startswith("test_") and not hasattr(case, "pytestmark")
]


def judging(change: Callable[[Numbers], None]) -> Patch:
    """Judge states that were changed first."""

    def mutant(times: Numbers, setting: Setting) -> Mapping[str, Numbers]:
        times = times.copy()
        change(times)
        return judge(times, setting)

    return lambda patch: patch.setattr(audit, "judge", mutant)


def merge_both_passes(times: Numbers) -> None:
    times[Column.SECOND] = np.maximum(times[Column.SECOND], times[Column.FIRST])


def take_unknown_for_acknowledged(times: Numbers) -> None:
    times[Column.ACKNOWLEDGED] |= times[Column.UNKNOWN]


def call_nothing_expired(times: Numbers) -> None:
    times[Column.MISSED_SECOND] = 0


def excuse_whatever_expired(times: Numbers) -> None:
    times[Column.MISSED_FIRST] |= times[Column.MISSED_SECOND]


def call_the_unread_lost(times: Numbers) -> None:
    times[Column.UNREAD] = 0


def count_retries_once(times: Numbers) -> None:
    times[Column.SECOND] = np.minimum(times[Column.SECOND], 1)


def forget_keys(times: Numbers) -> None:
    times[Column.LATEST] = 0


def no_op(where: Any, name: str) -> Patch:
    return lambda patch: patch.setattr(where, name, lambda *args, **named: None)


def drop_late_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(audit.Audit, "catch_up", lambda self: self._late.clear())


def read_again_what_was_read(patch: pytest.MonkeyPatch) -> None:
    honest = Reach.__init__
    patch.setattr(
        Reach, "__init__", lambda self, places, *, once, block=8: honest(self, places, once=False, block=block)
    )


def judge_before_the_passes(patch: pytest.MonkeyPatch) -> None:
    honest = Claims.harden
    patch.setattr(Claims, "harden", lambda self, position: honest(self, position + 10**6))


def see_settled_records_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(audit.Audit, "_unblinded", lambda self, rows: rows)


def owe_a_group_everything(patch: pytest.MonkeyPatch) -> None:
    def nothing(self: Any, log: Any) -> Iterator[Any]:
        return iter(())

    patch.setattr(deliveries.Deliveries, "_excused", nothing)


def owe_a_group_what_is_not_stable(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(deliveries.Deliveries, "_stable_ends", lambda self: {})


def let_transactions_stay_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StableEnds, "finish", lambda self: iter(()))


BOARD: dict[str, Patch] = {
    "both passes are one set of seen records": judging(merge_both_passes),
    "unknown counts as acknowledged": judging(take_unknown_for_acknowledged),
    "nothing expires": judging(call_nothing_expired),
    "whatever expired unread is excused": judging(excuse_whatever_expired),
    "what was not read is lost": judging(call_the_unread_lost),
    "a record written twice counts once": judging(count_retries_once),
    "the latest of a key may go": judging(forget_keys),
    "late rows are dropped": drop_late_rows,
    "a fork voids nothing": no_op(Finds, "void"),
    "a fork leaves the order's high mark": no_op(Finds, "lower_peaks"),
    "what a restarted auditor reads again counts again": read_again_what_was_read,
    "claims are judged before the passes are beyond them": judge_before_the_passes,
    "what a fork makes the auditor read again counts again": see_settled_records_again,
    "a dead client's pending records are forgotten": no_op(audit.Audit, "presume_unknown"),
    "a group owes what it could not read": owe_a_group_everything,
    "a group owes what is not stable": owe_a_group_what_is_not_stable,
    "a transaction may stay open for ever": let_transactions_stay_open,
    "a fork does not reach the groups": no_op(deliveries.Deliveries, "fork"),
    "ends seen before the drain count": no_op(Accounts, "begin_drain"),
}


def check_everything() -> None:
    """Every case, then the properties."""
    for case in CASES:
        case()
    run_state_machine_as_test(Truth, settings=SETTINGS)


@pytest.mark.parametrize("name", BOARD)
def test_a_planted_error_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BOARD[name](monkeypatch)
    with pytest.raises((AssertionError, ValueError, BaseExceptionGroup)):
        check_everything()


def test_without_a_planted_error_nothing_is_caught() -> None:
    check_everything()
