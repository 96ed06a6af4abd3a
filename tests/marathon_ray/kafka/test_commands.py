"""Mistakes on the command line: one line on standard error, exit code 2, and nothing was made."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from marathon_ray import cli
from marathon_ray.kafka import homes, local
from marathon_ray.kafka.cluster import KafkaError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, in which nothing is at the end."""
    monkeypatch.setenv("MARATHON_HOME", str(tmp_path))
    yield tmp_path
    assert homes.names() == []


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("up --nodes 0", "nodes 0: Input should be greater than or equal to 1"),
        ("up --nodes three", 'Invalid value for --nodes: unable to convert "three" into int.'),
        ("up --set retention", "property 'retention' is not of the form key=value"),
        ("up --set node.id=4", "property node.id follows from the plan and cannot be set"),
        ("up --version 2.8", "Kafka version 2.8 is too old: 4.0 or newer is needed"),
        ("up --version new", "Kafka version 'new' is not like 4.3 or 4.3.1"),
        ("up --name A", "name 'A': String should match pattern '^[a-z0-9][a-z0-9-]{0,31}$'"),
        ("up --for 0", "--for '0' is shorter than 1 s"),
        ("up --for soon", "--for: duration 'soon': write"),
        ("up --node 3", "Unknown option: --node. Did you mean --nodes?"),
        ("down", "the one that is meant is not among the local clusters: none is running"),
        ("down --name x", "cluster x is not among the local clusters: none is running"),
        ("logs --node 1", "the one that is meant is not among the local clusters: none is running"),
        ("upp", 'Unknown command "upp".'),
    ],
)
def test_a_mistake_costs_one_line_and_exit_code_2(command: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["kafka", *command.split()]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith(f"marathon: {line}")
    assert error.count("\n") == 1


def test_status_of_nothing_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["kafka", "status"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_directory_without_a_guardian_is_cleared_by_a_look(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "kafka" / "k-dead" / "node-1").mkdir(parents=True)
    assert cli.run(["kafka", "status"]) == 0
    assert capsys.readouterr().out == "k-dead: its guardian was killed; what it left is removed\n"


def test_a_full_disk_is_found_before_anything_is_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "DISK_A_NODE", 1 << 60)
    with pytest.raises(KafkaError, match=rf"{home}/kafka has \d+ MiB free, the cluster needs \d+ MiB"):
        local.LocalKafka(nodes=3).up()


def test_a_relative_home_is_the_same_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARATHON_HOME", "here")
    assert homes.root() == tmp_path / "here" / "kafka"


def test_a_home_with_a_comma_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("MARATHON_HOME", str(tmp_path / "a,b"))
        with pytest.raises(KafkaError, match="Kafka takes a comma for the end of a path"):
            homes.root()


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["kafka", "--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"{word} " in out for word in ("up", "down", "status", "logs"))


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(KafkaError, match=f"port {port} of 127.0.0.1 is taken"):
            local.LocalKafka(nodes=1, port=port)._appoint()
