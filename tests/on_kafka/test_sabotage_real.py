"""The sabotage board on real Kafka: the same plants, the same findings, and what only a cluster that aborts can show."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from marathon_ray import cli
from marathon_ray.check import check
from marathon_ray.clusters import open_cluster
from marathon_ray.commands import check as checking
from marathon_ray.journal import NAME, left, read
from marathon_ray.kafka import admin
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.waiting import wait_until
from marathon_ray.names import Names, new_run, run_of
from marathon_ray.plant import BOARD, COPYING, PLANTS, Played

pytestmark = pytest.mark.on_kafka


def there(kafka: LocalKafka, bench: str) -> list[str]:
    """Topics and groups that the bench has on the cluster."""
    properties = kafka.client_properties()
    names = [*admin.look(properties).topics, *admin.groups(properties)]
    return [name for name in names if run_of(name, bench=bench)]


def test_every_planted_error_turns_exactly_its_account_red_and_nothing_of_it_is_left(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    told: list[Played] = []
    opened = open_cluster(kafka.name)
    played = asyncio.run(check(opened, Names("board", new_run()), tmp_path, BOARD, told.append, lambda _: None))
    assert {each.plant.name: each.mistakes() for each in played} == {plant.name: [] for plant in BOARD}
    assert sorted(each.plant.name for each in told) == sorted(plant.name for plant in BOARD)
    assert there(kafka, "board") == []
    assert [left(read(journal)) for journal in tmp_path.glob(f"*/{NAME}")] == [{}]


@pytest.mark.parametrize(("how", "bench"), [(signal.SIGTERM, "ended"), (signal.SIGKILL, "killed")])
def test_nothing_is_left_of_a_board_that_was_cut_short(
    kafka: LocalKafka, tmp_path: Path, how: signal.Signals, bench: str
) -> None:
    arguments = ["--cluster", kafka.name, "--bench", bench, "--results", str(tmp_path)]
    command = [sys.executable, "-m", "marathon_ray", "check", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until("its first topic", lambda: there(kafka, bench) != [], within=60)
        process.send_signal(how)
        out, error = process.communicate(timeout=120)
    (journal,) = tmp_path.glob(f"*/{NAME}")
    if how is signal.SIGKILL:
        assert len(left(read(journal))) == 1 + 2 * len(BOARD) + 2 * len(COPYING)
        assert cli.run(["reclaim", "--results", str(tmp_path)]) == 0
    else:
        assert (process.returncode, out) == (4, ""), error
        assert "SIGTERM: heals and cleans up" in error
    assert left(read(journal)) == {}
    assert there(kafka, bench) == []


@pytest.mark.parametrize(
    "lacks", [{"transaction.max.timeout.ms": "5000"}, {"transaction.state.log.replication.factor": "3"}]
)
def test_a_cluster_that_lets_nobody_have_transactions_is_told_so_and_has_not_failed(
    lacks: dict[str, str], fresh_kafka: Callable[..., LocalKafka], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(checking, "BOARD", (PLANTS[1], COPYING[2]))
    kafka = fresh_kafka(nodes=1, properties=lacks)
    assert cli.run(["check", "--cluster", kafka.name, "--results", str(tmp_path)]) == 0
    _, drop, hide, line = capsys.readouterr().out.splitlines()
    assert drop.endswith("as it must be")
    assert "not played: the cluster lets us have no transactions: " in hide
    assert line == "1 of 1 planted errors were caught; nothing was found where nothing was planted; 1 was not played"
    assert there(kafka, "bench") == []
