"""Clusters as YAML files describe them: what is wrong is one line, and a secret is in none."""

from pathlib import Path

import pytest

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.description import read

SECRET = "hunter2"
LOGIN = "security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: me"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cluster.yaml"


def test_secrets_come_from_the_environment_or_from_a_file_beside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_PASSWORD", SECRET)
    (path.parent / "pass").write_text("other words\n")
    (path.parent / "key").touch()
    path.write_text(
        f"bootstrap: a:1,b:2\nproperties: {{{LOGIN}, sasl.password: {{env: OUR_PASSWORD}}, ssl.key.password: {{file: pass}},"
        f" ssl.key.location: {path.parent / 'key'}, socket.keepalive.enable: true, socket.timeout.ms: 1000}}\n"
    )
    found = read(path)
    assert found.client_properties(path.parent) == {
        "bootstrap.servers": "a:1,b:2",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "me",
        "sasl.password": SECRET,
        "ssl.key.password": "other words",
        "ssl.key.location": str(path.parent / "key"),
        "socket.keepalive.enable": "true",
        "socket.timeout.ms": "1000",
    }
    assert SECRET not in repr(found)


def test_a_local_cluster_can_be_described(path: Path) -> None:
    path.write_text('local: {nodes: 5, version: "4.2"}\nmay: [kill, pause]\n')
    found = read(path)
    assert (found.local and (found.local.nodes, found.local.version), found.may) == ((5, "4.2"), ("kill", "pause"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "it says nothing like bootstrap"),
        ("- a\n", "it says nothing like bootstrap"),
        ("bootstrap: a:1\nlocal: {}\n", "say where the cluster is once"),
        ("properties: {security.protocol: SSL}\n", "say where the cluster is once"),
        ("bootstrap: a:1\nproperties: {bootstrap.servers: 'b:1'}\n", "say where the cluster is once"),
        ("bootstrp: a:1\n", "bootstrp: there is no such key; did you mean bootstrap?"),
        ("local: {nodes: 0}\n", "local nodes: Input should be greater than or equal to 1"),
        ("local: {version: 4.10}\n", 'local version: write it in quotes, as "4.3"'),
        ("local: {}\nproperties: {a: b}\n", "a local cluster has its own"),
        ("bootstrap: a:1\nmay: [kill]\n", "may kill: of a cluster that is not local no node can be reached"),
        ("local: {}\nmay: [burn]\n", "may burn: there is no such power; there are kill, pause, stop"),
        (f"bootstrap: a:1\nproperties: {{sasl.password: {SECRET}}}\n", "properties sasl.password: a secret does not"),
        (
            f"bootstrap: a:1\nproperties: {{sasl.password: {{evn: {SECRET}}}}}\n",
            "write a value, {env: NAME} or {file: PATH}",
        ),
        (f"bootstrap: a:1\nproperties: {{sasl.password: [{SECRET}]}}\n", "write a value, {env: NAME} or {file: PATH}"),
        (f"bootstrap: a:1\nproperties:\n  sasl.password: *{SECRET}\n", "line 3, column 18: that is no YAML"),
        (f"bootstrap: a:1\nproperties:\n  sasl.password: !{SECRET} x\n", "line 3, column 18: that is no YAML"),
        (f"bootstrap: a:1\nproperties: {{sasl.password: {SECRET}\n", "that is no YAML"),
    ],
)
def test_a_mistake_is_one_line_without_secrets(path: Path, text: str, line: str) -> None:
    path.write_text(text)
    with pytest.raises(KafkaError) as caught:
        read(path)
    assert line in str(caught.value)
    assert str(caught.value).startswith(f"cluster {path}")
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "line"),
    [
        ("{env: NO_SUCH_NAME}", "properties sasl.password: the environment has no NO_SUCH_NAME, or an empty one"),
        ("{file: nowhere}", "nowhere: No such file or directory"),
    ],
)
def test_a_secret_that_is_not_there_is_told_by_its_place(path: Path, reference: str, line: str) -> None:
    path.write_text(f"bootstrap: a:1\nproperties: {{{LOGIN}, sasl.password: {reference}}}\n")
    with pytest.raises(KafkaError, match=line):
        read(path).client_properties(path.parent)


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(KafkaError, match=r"cluster .*cluster.yaml: No such file or directory"):
        read(path)
