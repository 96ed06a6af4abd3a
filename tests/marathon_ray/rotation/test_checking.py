"""A plan's mistakes: every one of them at once, each with its line."""

from pathlib import Path

import pytest

from marathon_ray.rotation.checking import read
from marathon_ray.usage import UsageError

GOOD = """\
bench: nightly
clusters:
  laptop: local
  staging: kafka.example:9092
scenarios:
  - run: steady-write
  - run: kill-leader
    clusters: [laptop]
    fields:
      steady: {from: 5 s, to: 1 min}
every: 30 min
quiet:
  - {from: 08:00, to: 18:00, zone: Europe/Berlin}
budget: {hours: 10, money: 20 EUR, per: week}
prices: {spot: 0.03 EUR, on-demand: 0.1 EUR}
known:
  - {scenario: kill-leader, promise: KeepsRate, until: 2030-01-31, why: KAFKA-1}
alerts:
  - {to: json://localhost, from: critical}
"""


def refuse(address: str) -> str | None:
    return None if address.startswith("json://") else f"{address}: nobody can be told so"


def complaints(folder: Path, *changes: tuple[str, str]) -> list[str]:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file = folder / "plan.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read(file, refuse=refuse)
    return str(caught.value).replace(f"{file}, ", "").splitlines()


def test_a_plan_is_read(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(GOOD)
    plan = read(tmp_path / "plan.yaml", refuse=refuse)
    assert (plan.bench, plan.every, plan.quiet[0].since.hour) == ("nightly", 1800, 8)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("bench: nightly", "on: laptop\nbench: nightly", "line 1: True: a field's name is a text, and YAML takes this for none"),
        ("bench: nightly", "2026-01-01: x\nbench: nightly", "line 1: 2026-01-01: a field's name is a text, and YAML takes this for none"),
        ("run: steady-write", "run: stedy-write", "line 6: scenarios.0.run: scenario 'stedy-write' is not known; did you mean steady-write?"),
        ("clusters: [laptop]", "clusters: [labtop]", "line 8: scenarios.1.clusters: cluster labtop is not known; did you mean laptop?"),
        ("to: 1 min", "to: 1 s", "line 10: scenarios.1.fields.steady: from 5 s to 1 s: the first is the greater one"),
        ("steady: {", "stedy: {", "line 10: scenarios.1.fields.stedy: --stedy is not known; did you mean --steady?"),
        ("kafka.example:9092", "kafka.example:99999", "line 4: clusters.staging: cluster kafka.example:99999: a port is a number from 1 to 65535"),
        ("zone: Europe/Berlin", "zone: Berlin", "line 13: quiet.0.zone: 'Berlin' is not known: write one as Europe/Berlin"),
        ("to: 18:00", "to: 08:00", "line 13: quiet.0: from 08:00 to 08:00 is no time at all, or always"),
        ("spot: 0.03 EUR", "spot: 0.03", "line 15: prices.spot: 0.03: write an amount and its currency, as 200 EUR"),
        ("spot: 0.03 EUR", "spot: 0.03 USD", "line 15: prices: prices in EUR and USD: they cannot be summed up, use one currency"),
        ("money: 20 EUR", "money: 20 USD", "line 14: budget.money: 20 USD, but the prices are in EUR"),
        ("prices: {spot: 0.03 EUR, on-demand: 0.1 EUR}\n", "", "line 14: budget.money: 20 EUR cannot be watched: no price is given under prices"),
        ("hours: 10", "hours: 0", "line 14: budget.hours: Input should be greater than 0"),
        ("scenario: kill-leader", "scenario: kill-leadr", "line 17: known.0.scenario: scenario kill-leadr is not in this plan; did you mean kill-leader?"),
        ("json://localhost", "nonsense", "line 19: alerts.0.to: nonsense: nobody can be told so"),
        ("json://localhost", "{env: MARATHON_NO_SUCH}", "line 19: alerts.0.to: the environment has no MARATHON_NO_SUCH, or an empty one"),
        ("from: critical", "from: urgent", "line 19: alerts.0.from: Input should be 'info', 'warning' or 'critical'"),
        ("every: 30 min", "evry: 30 min", "line 11: evry: Extra inputs are not permitted"),
        ("every: 30 min", "upgrades: {clusters: [labtop]}", "line 11: upgrades.clusters: cluster labtop is not known; did you mean laptop?"),
        ("every: 30 min", "upgrades: {clusters: [staging]}", "line 11: upgrades.clusters: cluster staging cannot be upgraded: only a local one can, if its file does not forbid it"),
        ("every: 30 min", "upgrades: {every: 10 s}", "line 11: upgrades.every: Input should be greater than or equal to 60"),
        ("every: 30 min", "upgrades: {fields: {stedy: 1 s}}", "line 11: upgrades.fields.stedy: --stedy is not known; did you mean --steady?"),
        ("every: 30 min", "upgrades: {fields: {to: \"4.4\"}}", "line 11: upgrades.fields.to: it is the release that is found"),
        ("every: 30 min", "upgrades: {evry: 1 h}", "line 11: upgrades.evry: Extra inputs are not permitted"),
        ("every: 30 min", "upgrades:", "line 11: upgrades: write {} to have all clusters upgraded that can be"),
        ("bench: nightly", "bench: Nightly", "line 1: bench: 'Nightly': 1 to 20 of a-z, 0-9 and _"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert complaints(tmp_path, (old, new)) == [line]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("  laptop: local\n", "  on: local\n  laptop: local\n", "line 2: clusters.1.[key]: Input should be a valid string"),
        ("- run: steady-write", "- {run: steady-write, on: x}", "line 6: scenarios.0.1: Keys should be strings"),
        ("to: 1 min}", "to: 1 min, null: 1}", "line 10: scenarios.1.fields.steady.None: Keys should be strings"),
        ("hours: 10", "1: 10", "line 14: budget.1: Keys should be strings"),
    ],
)  # fmt: skip
def test_what_yaml_takes_for_no_text_is_refused_as_the_name_of_any_field(
    tmp_path: Path, old: str, new: str, line: str
) -> None:
    assert complaints(tmp_path, (old, new)) == [line]


def test_what_is_known_may_be_about_an_upgrade_that_the_plan_plays_by_itself(tmp_path: Path) -> None:
    known = ("{scenario: kill-leader", "{scenario: rolling-upgrade")
    (tmp_path / "plan.yaml").write_text(GOOD.replace(*known).replace("every: 30 min", "upgrades: {}"))
    assert read(tmp_path / "plan.yaml", refuse=refuse).known[0].scenario == "rolling-upgrade"
    (complaint,) = complaints(tmp_path, known)
    assert complaint.startswith("line 17: known.0.scenario: scenario rolling-upgrade is not in this plan; ")
    assert complaints(tmp_path, known, ("every: 30 min", "upgrades:")) == [
        "line 11: upgrades: write {} to have all clusters upgraded that can be"
    ]


def test_a_newer_kafka_is_looked_for_where_one_cluster_at_least_can_be_upgraded(tmp_path: Path) -> None:
    changes = ("  laptop: local\n", "  laptop: laptop.example:9092\n"), ("every: 30 min", "upgrades: {}")
    assert complaints(tmp_path, *changes) == [
        "line 11: upgrades: no cluster of this plan can be upgraded: only a local one can"
    ]
    (tmp_path / "plan.yaml").write_text(GOOD.replace(*changes[1]))
    found = read(tmp_path / "plan.yaml", refuse=refuse).upgrades
    assert found is not None
    assert (found.every, found.clusters) == (86_400, ())
    (tmp_path / "plan.yaml").write_text(GOOD)
    assert read(tmp_path / "plan.yaml", refuse=refuse).upgrades is None


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    found = complaints(
        tmp_path,
        ("json://localhost", "nonsense"),
        ("kafka.example:9092", "kafka"),
        ("run: steady-write", "run: nothing"),
    )
    assert [line.partition(":")[0] for line in found] == ["line 4", "line 6", "line 19"]


def test_what_is_refused_by_itself_hides_nothing_else(tmp_path: Path) -> None:
    found = complaints(
        tmp_path,
        ("bench: nightly", "bench: Nightly"),
        ("- run: steady-write", "- {run: steady-write, weight: 0}\n  - run: [no, name]\n  - run: stedy-write"),
        ("to: 1 min}", "to: 1 s}\n      down: -5 s"),
        ("{from: 08:00, to: 18:00, zone: Europe/Berlin}", "{from: 08:00, to: 08:00, zone: Berlin}"),
        ("hours: 10", "hours: 0"),
        ("scenario: kill-leader", "scenario: kill-leadr"),
        ("alerts:\n", "alerts:\n  - {to: 5}\n  - {to: json://localhost, from: urgent}\n"),
        ("json://localhost, from: critical", "nonsense"),
    )
    assert [line.partition(": ")[2].partition(": ")[0] for line in found] == [
        "bench",
        "scenarios.0.weight",
        "scenarios.1.run",
        "scenarios.2.run",
        "scenarios.3.fields.steady",
        "scenarios.3.fields.down",
        "quiet.0.zone",
        "quiet.0",
        "budget.hours",
        "alerts.0.to.Reference",
        "alerts.0.to.str",
        "alerts.1.from",
        "alerts.2.to",
    ]
    lines = [int(line.partition(":")[0].removeprefix("line ")) for line in found]
    assert lines == [1, 6, 7, 8, 12, 13, 16, 16, 17, 22, 22, 23, 24]


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ([("staging: kafka.example:9092", "staging: 5"), ("clusters: [laptop]", "clusters: [staging]")], ["clusters.staging"]),
        ([("staging: kafka.example:9092", "staging: 5"), ("clusters: [laptop]", "clusters: [labtop]")], ["clusters.staging", "scenarios.1.clusters"]),
        ([("spot: 0.03 EUR, on-demand: 0.1 EUR", "spot: 0.03")], ["prices.spot"]),
        ([("- run: kill-leader", "- run:")], ["scenarios.1.run"]),
        ([("- run: kill-leader", "- run: kill-leader\n    weight: 0"), ("scenario: kill-leader", "scenario: nothing")], ["scenarios.1.weight", "known.0.scenario"]),
        ([("{from: 08:00,", "{from: 25:00,")], ["quiet.0.from"]),
        ([("- run: steady-write\n", "- run:\n"), ("- run: kill-leader\n", "- run: kill-leadr\n    weight: 0\n")], ["scenarios.0.run", "scenarios.1.run", "scenarios.1.weight"]),
        ([("clusters:\n  laptop: local\n  staging: kafka.example:9092\n", ""), ("money: 20 EUR", "money: 20 USD")], ["clusters", "budget.money"]),
        ([("steady: {from: 5 s, to: 1 min}", "{writers.to: nothing, steady: {from: 2 s, to: 1 s}}")], ["scenarios.1.fields.steady"]),
    ],
)  # fmt: skip
def test_nothing_is_a_mistake_for_what_was_refused_elsewhere(
    tmp_path: Path, changes: list[tuple[str, str]], places: list[str]
) -> None:
    found = complaints(tmp_path, *changes)
    assert [line.partition(": ")[2].partition(": ")[0] for line in found] == places


def test_fields_that_contradict_each_other_are_told_one_by_one(tmp_path: Path) -> None:
    found = complaints(tmp_path, ("steady: {from: 5 s, to: 1 min}", "{writers.to: a, readers.of: b}"))
    assert [line.partition("fields: ")[2].partition(",")[0] for line in found] == [
        "readers: reads b",
        "topic orders is written by no fleet",
        "writers: writes to a",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [", "line 2, column 1: that is no YAML"),
        ("- one", "it says nothing like clusters: …, scenarios: …"),
        ("bench: b", "line 1: clusters: Field required"),
    ],
)
def test_what_is_no_plan_is_told_in_a_line(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "plan.yaml").write_text(f"{text}\n")
    with pytest.raises(UsageError, match=line):
        read(tmp_path / "plan.yaml", refuse=refuse)
    with pytest.raises(UsageError, match="No such file"):
        read(tmp_path / "none.yaml", refuse=refuse)


def test_a_cluster_that_is_a_file_lies_beside_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plan.yaml").write_text(GOOD.replace("kafka.example:9092", "./staging.yaml"))
    with pytest.raises(UsageError, match=r"line 4: clusters.staging: cluster .*staging.yaml: No such file"):
        read(tmp_path / "plan.yaml", refuse=refuse)
    (tmp_path / "staging.yaml").write_text("bootstrap: kafka.example:9092\n")
    monkeypatch.chdir(tmp_path)
    assert read(Path("plan.yaml"), refuse=refuse).clusters["staging"] == str(tmp_path / "staging.yaml")


MINE = """
from scenarios.steady_write import SteadyWrite

class MineKnown(SteadyWrite):
    "It is a user's."
"""


def test_a_known_promise_names_a_users_scenario_as_its_reports_do(tmp_path: Path) -> None:
    file = tmp_path / "mine_known.py"
    file.write_text(MINE)
    change = ("  - run: steady-write\n", f"  - run: {file}\n")
    (complaint,) = complaints(tmp_path, change, ("{scenario: kill-leader", "{scenario: mine"))
    assert complaint.startswith("line 17: known.0.scenario: scenario mine is not in this plan; ")
    assert "mine-known" in complaint
    (tmp_path / "plan.yaml").write_text(
        GOOD.replace(*change).replace("{scenario: kill-leader", "{scenario: mine-known")
    )
    assert read(tmp_path / "plan.yaml", refuse=refuse).known[0].scenario == "mine-known"
