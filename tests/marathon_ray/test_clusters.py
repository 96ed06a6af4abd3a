"""What `--cluster` may be, what of it can be broken, and what is told where it is none of them. Nothing is started."""

from pathlib import Path

import pytest

from marathon_ray.clusters import open_cluster
from marathon_ray.kafka.cluster import CanKill, CanPause, CanStart, CanStop, CanUpgrade, KafkaError
from marathon_ray.kafka.existing import Existing

ALL = {CanKill, CanStop, CanStart, CanPause, CanUpgrade}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARATHON_HOME", str(tmp_path / "home"))


def test_a_local_one_is_ours_and_can_suffer_everything() -> None:
    opened = open_cluster("local", nodes=5, version="4.2")
    assert (opened.ours, set(opened.capabilities)) == (True, ALL)
    assert opened.name.startswith("k-")
    opened.release()


def test_an_address_is_somebody_elses_and_suffers_nothing() -> None:
    opened = open_cluster("a.example:9092,[::1]:9093")
    assert (opened.ours, opened.capabilities, opened.name) == (False, (), "a.example:9092,[::1]:9093")
    assert opened.cluster.client_properties() == {"bootstrap.servers": "a.example:9092,[::1]:9093"}
    opened.release()
    opened.release()


def test_a_file_says_what_a_local_cluster_may_suffer(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("local: {nodes: 1}\n")
    assert set(open_cluster(str(path)).capabilities) == ALL
    path.write_text("local: {nodes: 1}\nmay: [kill]\n")
    opened = open_cluster(str(path))
    assert (set(opened.capabilities), opened.ours) == ({CanKill, CanStart}, True)
    assert not hasattr(opened.cluster, "pause")
    path.write_text("local: {nodes: 1}\nmay: [upgrade]\n")
    assert set(open_cluster(str(path)).capabilities) == {CanUpgrade, CanStart}
    path.write_text("local: {nodes: 1}\nmay: []\n")
    assert open_cluster(str(path)).capabilities == ()


def test_secrets_of_a_file_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_PASSWORD", "hunter2")
    path = tmp_path / "c.yaml"
    path.write_text(
        "bootstrap: a:1\nproperties: {security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: u,"
        " sasl.password: {env: OUR_PASSWORD}}\n"
    )
    opened = open_cluster(str(path))
    assert opened.cluster.client_properties()["sasl.password"] == "hunter2"
    assert "hunter2" not in repr(opened) + repr(opened.cluster)
    assert opened.capabilities == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("nowhere", "cluster 'nowhere' is none: write local, HOST:PORT"),
        ("a:b", "cluster 'a:b' is none"),
        ("a:1,", "cluster 'a:1,' is none"),
        ("a:0", "cluster a:0: a port is a number from 1 to 65535"),
        ("a:1,b:65536", "cluster b:65536: a port is a number from 1 to 65535"),
        ("no/such.yaml", "cluster no/such.yaml: No such file or directory"),
    ],
)
def test_what_is_none_of_them_is_one_line(text: str, line: str) -> None:
    with pytest.raises(KafkaError) as caught:
        open_cluster(text)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mistake_inside_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("bootstrap: a:1\nproperties: {security.protocol: SASL_SSL}\n")
    with pytest.raises(KafkaError, match=r"cluster .*c.yaml: security.protocol SASL_SSL needs sasl.mechanism"):
        open_cluster(str(path))
    path.write_text('local: {version: "3.9"}\n')
    with pytest.raises(KafkaError, match=r"cluster .*c.yaml: Kafka version 3.9 is too old"):
        open_cluster(str(path))


@pytest.mark.parametrize(("options", "line"), [({"nodes": 5}, "nodes 5"), ({"version": "4.2"}, "version 4.2")])
def test_a_cluster_that_is_there_takes_no_options(options: dict[str, object], line: str) -> None:
    with pytest.raises(KafkaError, match=f"{line}: only a cluster that is made for the run has it"):
        open_cluster("a:1", **options)  # type: ignore[arg-type]


def test_nobody_knows_where_single_nodes_of_anothers_cluster_are() -> None:
    with pytest.raises(KafkaError, match=r"nodes \[2\]: where single nodes are is not known"):
        Existing({"bootstrap.servers": "a:1"}).bootstrap(2)


def test_a_cluster_that_is_not_there_is_told_when_it_is_acquired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marathon_ray.kafka.existing._WITHIN", 1.0)
    with pytest.raises(KafkaError, match=r"Kafka at 127.0.0.1:1 did not answer within 1 s: .*refused"):
        open_cluster("127.0.0.1:1").acquire()
