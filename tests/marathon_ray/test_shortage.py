"""Shortage: which rounds say nothing of the target, since the bench was not whole."""

from collections.abc import Sequence

from marathon_ray.round import Doing
from marathon_ray.shortage import Shortage

WELL, SILENT, LOST = Doing(), Doing(silent=True), Doing(lost=True)


def spoiled(readers: Sequence[Doing], behind: Sequence[bool] = ()) -> str:
    """One letter a round: whether the readers' part of it was spoiled; `behind` says in which their group lags."""
    shortage, letters = Shortage(), ""
    for number, doing in enumerate(readers):
        lags = number < len(behind) and behind[number]
        before, shortage = shortage, shortage.after({"readers": doing, "writers": WELL}, ["readers"] if lags else [])
        letters += {(): ".", ("readers",): "s"}[shortage.spoiled(before)]
    return letters


def test_a_bench_that_is_whole_spoils_nothing_however_far_a_group_lags() -> None:
    assert spoiled([WELL] * 3, [True] * 3) == "..."


def test_who_does_not_answer_spoils_that_round_and_the_next_for_which_he_answers_as_well() -> None:
    assert spoiled([WELL, SILENT, WELL, WELL], [False, True, True, True]) == ".ss."


def test_a_loss_lasts_until_all_work_again() -> None:
    assert spoiled([WELL, SILENT, LOST, LOST, WELL, WELL]) == ".ssss."


def test_a_group_that_has_lost_one_has_caught_up_before_it_counts_again() -> None:
    assert spoiled([LOST, WELL, WELL, WELL, WELL], [True, True, True, False, True]) == "ssss."
