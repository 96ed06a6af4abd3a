"""The page about rotations: its plan is one, it shows every part that a plan may have, and its tables are complete."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from marathon_ray.alerts.apprise import check
from marathon_ray.cli import COMMANDS
from marathon_ray.metrics import Metrics
from marathon_ray.prices import Prices
from marathon_ray.rotation.checking import read
from marathon_ray.rotation.plan import Alert, Budget, Entry, Known, Patience, Plan, Quiet, Upgrades

PAGE = (Path(__file__).parents[3] / "docs" / "rotation.md").read_text()
PARTS: dict[str, type[BaseModel]] = {
    "upgrades": Upgrades,
    "quiet": Quiet,
    "budget": Budget,
    "prices": Prices,
    "known": Known,
    "alerts": Alert,
    "patience": Patience,
}
BARE = {"bench", "seed", "results", "store", "places", "ray", "nodes", "metrics", "clusters", "order", "every"}


def example() -> str:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    return str(text)


def names(part: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in part.model_fields.items()}


def shown(part: object) -> set[str]:
    """The fields that stand in a part of the example, or in any one of several."""
    each = part if isinstance(part, list) else [part]
    return {name for one in each if isinstance(one, dict) for name in one}


def test_the_plan_on_the_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER_URL", "json://pager.example")
    file = tmp_path / "plan.yaml"
    file.write_text(example())
    plan = read(file, refuse=check)
    assert (plan.bench, plan.order, plan.every, plan.patience.rest) == ("nightly", "drawn", 1800, 60)
    assert [entry.run for entry in plan.scenarios] == ["steady-write", "kill-leader"]


def test_the_plan_on_the_page_has_every_part_that_there_is() -> None:
    content = yaml.safe_load(example())
    assert content.keys() == names(Plan)
    assert PARTS.keys() | BARE | {"scenarios"} == names(Plan)
    assert shown(content["scenarios"]) == names(Entry)
    assert {name: shown(content[name]) for name in PARTS} == {name: names(part) for name, part in PARTS.items()}


def test_the_page_has_every_command_to_a_rotation() -> None:
    known = {name for name, (where, _) in COMMANDS.items() if where.startswith("marathon_ray.commands.say:")}
    rows = " ".join(line for line in PAGE.splitlines() if line.startswith("| `marathon "))
    assert set(re.findall(r"[a-z]+", " ".join(re.findall(r"`([^`]+)`", rows)))) & COMMANDS.keys() == known


def test_the_page_has_the_metrics_that_a_rotation_feeds() -> None:
    told = set(re.findall(r"`(marathon_\w+)", PAGE))
    families = {family.name for family in Metrics().registry.collect()}
    assert {re.sub(r"(_total|_info)$", "", name) for name in told} | {
        "marathon_workers"
    } == families  # nobody feeds it yet
