"""A plan whose fields are changed by command."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from marathon_ray.rotation.changing import changed
from marathon_ray.rotation.checking import Draft
from marathon_ray.usage import UsageError
from tests.marathon_ray.rotation.test_checking import GOOD, refuse

PLAN: dict[str, Any] = {
    "clusters": {"one": "one.example:9092"},
    "quiet": [{"from": "22:00", "to": "02:00"}],
    "scenarios": [
        {"run": "steady-write", "clusters": ["one"]},
        {"run": "kill-leader", "weight": 3},
        {"run": "./mine.py:Mine"},
    ],
    "every": "30 min",
}


@pytest.mark.parametrize(
    ("field", "text", "place", "value"),
    [
        ("every", "10 min", ("every",), "10 min"),
        ("order", "drawn", ("order",), "drawn"),
        ("scenarios", "[{run: steady-write}]", ("scenarios",), [{"run": "steady-write"}]),
        ("budget.hours", "12", ("budget", "hours"), 12),
        ("scenarios.kill-leader.weight", "5", ("scenarios", 1, "weight"), 5),
        ("scenarios.0.clusters", "[two]", ("scenarios", 0, "clusters"), ["two"]),
        ("scenarios../mine.py:Mine.weight", "2", ("scenarios", 2, "weight"), 2),
        ("scenarios.kill-leader.fields.writers.rate", "[1 MB/s, 2 MB/s]", ("scenarios", 1, "fields", "writers.rate"), ["1 MB/s", "2 MB/s"]),
    ],
)  # fmt: skip
def test_one_place_changes_and_what_was_read_does_not(
    field: str, text: str, place: tuple[Any, ...], value: Any
) -> None:
    before = yaml.safe_dump(PLAN)
    got: Any = changed(PLAN, {field: text})
    expected = yaml.safe_load(before)
    inner = expected
    for step in place[:-1]:
        inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
    inner[place[-1]] = value
    assert got == expected
    assert yaml.safe_dump(PLAN) == before


@pytest.mark.parametrize(
    ("field", "text", "what"),
    [
        ("clusters.one", "two.example:9092", "clusters.one: the controller was started with it; change the plan, and start it again"),
        ("results", "elsewhere", "results: the controller was started with it; change the plan, and start it again"),
        ("quiet.0", "{}", "quiet.0: quiet is a list; set it as a whole"),
        ("quiet.0.from", "08:00", "quiet.0.from: quiet is a list; set it as a whole"),
        ("scenarios.0.clusters.0", "one", "scenarios.0.clusters.0: clusters is a list; set it as a whole"),
        ("scenarios.nothing.weight", "2", "scenarios.nothing.weight: write scenarios.NAME.FIELD; there are ./mine.py:Mine, kill-leader, steady-write"),
        ("evry", "1 s", "evry: a plan has no such field that can be set; did you mean every?"),
        ("scenarios.kil-leader.weight", "2", "scenarios.kil-leader.weight: write scenarios.NAME.FIELD; did you mean kill-leader?"),
        ("every.hour", "2", "every.hour: every is '30 min', which has no parts"),
        ("every", "[1", "every '[1': that is no YAML: expected ',' or ']', but got '<stream end>'"),
    ],
)  # fmt: skip
def test_what_has_no_place_is_refused_by_its_name(field: str, text: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        changed(PLAN, {field: text})
    assert str(caught.value) == what


def test_of_two_entries_of_one_name_the_number_says_which() -> None:
    twice = {**PLAN, "scenarios": [{"run": "kill-leader"}, {"run": "kill-leader"}]}
    with pytest.raises(UsageError, match=r"scenarios.0 and scenarios.1 have that name; write the number"):
        changed(twice, {"scenarios.kill-leader.weight": "2"})
    assert changed(twice, {"scenarios.1.weight": "2"})["scenarios"] == [
        {"run": "kill-leader"},
        {"run": "kill-leader", "weight": 2},
    ]


def test_a_number_is_meant_as_a_whole() -> None:
    many = {**PLAN, "scenarios": [{"run": "kill-leader"} for _ in range(11)]}
    weights = [entry.get("weight") for entry in changed(many, {"scenarios.10.weight": "2"})["scenarios"]]
    assert weights == [None] * 10 + [2]


def test_of_a_file_and_its_scenario_whose_name_it_begins_with_the_file_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [f"changing{letter}" for letter in "abcdefgh"]  # many, since what is found first is chance
    for name in names:
        Path(f"{name}.py").write_text(
            f'from marathon_ray import Scenario\n\nclass {name.title()}(Scenario):\n    "A."\n'
        )
    mine = {**PLAN, "scenarios": [{"run": f"{name}.py"} for name in names]}
    got = changed(mine, {f"scenarios.{name}.py.weight": "2" for name in names})
    assert got["scenarios"] == [{"run": f"{name}.py", "weight": 2} for name in names]
    assert changed(mine, {f"scenarios.{name}.weight": "2" for name in names}) == got


@pytest.fixture
def draft(tmp_path: Path) -> Draft:
    (tmp_path / "plan.yaml").write_text(GOOD)
    return Draft(tmp_path / "plan.yaml", refuse)


def test_a_changed_plan_is_checked_like_any_other(draft: Draft) -> None:
    assert draft.revised({"every": "10 min"}).every == 600
    for field, text, what in (
        ("every", "soon", "every: "),
        ("scenarios.kill-leader.weight", "0", "scenarios.1.weight: Input should be greater than 0"),
        ("scenarios.kill-leader.clusters", "[labtop]", "scenarios.1.clusters: cluster labtop is not known"),
        ("scenarios.kill-leader.fields.steady", "-1 s", "scenarios.1.fields.steady: "),
        ("patience.rests", "1 s", "patience.rests: Extra inputs are not permitted"),
    ):
        with pytest.raises(UsageError) as caught:
            draft.revised({field: text})
        assert str(caught.value).startswith(what)
        assert "\n" not in str(caught.value)
