"""What a thousand workers cost: exact to the record or not, and judged by what it says."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.thousand_result import ANSWERS, COUNTS, PARTS, ThousandResult

COUNTED = {**dict.fromkeys(COUNTS, 0), "attempted": 12, "acknowledged": 10, "found": 10, "unknown": 2}
COUNTED |= {"unknown found": 2, "unreported found": 3, "unowned": 1}
MILLISECONDS = {**{part: [300.0, 400.0, 900.0] for part in PARTS}, ANSWERS: [5.0, 7.0, 7.0]}
RESULT = ThousandResult(
    about={"date": "today"}, workers=7, processes=2, partitions=3, trailing=1.5, cores=0.4, rounds=MILLISECONDS,
    frozen=MILLISECONDS, silenced=2, buried=2, counts=COUNTED, written=16, tails=2, findings=0,
)  # fmt: skip


def test_what_every_log_holds_has_one_place_in_the_books() -> None:
    assert RESULT.exact


@pytest.mark.parametrize(
    "name", ["lost", "pending", "unaudited", "found", "unknown found", "unreported found", "unowned"]
)
def test_one_record_too_many_anywhere_is_not_exact(name: str) -> None:
    assert not replace(RESULT, counts={**COUNTED, name: COUNTED[name] + 1}).exact


def test_more_unknown_than_the_tails_is_not_exact_and_neither_is_a_finding() -> None:
    assert not replace(RESULT, tails=1).exact
    assert not replace(RESULT, findings=1).exact


def test_a_result_comes_back_as_it_was_saved_and_tells_what_is_met(tmp_path: Path) -> None:
    slow = replace(RESULT, cores=0.6, frozen={**MILLISECONDS, "wall": [300.0, 1100.0]})
    slow.save(tmp_path / "one.json")
    assert ThousandResult.load(tmp_path / "one.json") == slow
    assert [target.met for target in slow.targets] == [False, True, False]
    text = "\n".join(slow.lines())
    assert text.count("**not met**") == 2
    assert "**exact**" in text
