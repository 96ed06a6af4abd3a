"""Jars in the cache: whole and as the registry has them, or not at all. The registry here is a directory."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stamina
from jgo.maven import Artifact as JarArtifact
from jgo.maven import PythonResolver

from marathon_ray.kafka import jars
from marathon_ray.kafka.cluster import KafkaError


@dataclass
class Artifact:
    """As much of jgo's artifact as is used; ``sha1`` is what the registry says it is."""

    name: str
    cached_path: Path
    content: bytes = b"jar"
    sha1: str | None = None
    classifier: str = ""

    @property
    def component(self) -> Artifact:
        return self

    def artifact(self, _classifier: str, packaging: str) -> Artifact:
        content = (self.sha1 or hashlib.sha1(self.content).hexdigest()).encode()
        return Artifact(self.name, self.cached_path.with_suffix(f".{packaging}"), content + b"  the-name.jar\n")

    def resolve(self) -> Path:
        self.cached_path.parent.mkdir(parents=True, exist_ok=True)
        self.cached_path.write_bytes(self.content)
        return self.cached_path


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the registry serves: arguments of its artifacts. May be changed during the test."""
    served: list[dict[str, Any]] = [{"name": "kafka-1.jar"}, {"name": "log4j-2.jar", "content": b"logs"}]

    def resolve(_version: str, repository: Path) -> list[Artifact]:
        return [Artifact(cached_path=repository / each["name"], **each) for each in served]

    monkeypatch.setattr(jars, "resolve", resolve)
    return served


def test_a_version_is_fetched_once_and_found_whole_afterwards(tmp_path: Path, registry: list[dict[str, Any]]) -> None:
    steps: list[tuple[str, float | None]] = []
    jars.fetch("4.3.1", tmp_path, tell=lambda step, done: steps.append((step, done)))
    assert jars.classpath(tmp_path / "jars") == f"{tmp_path}/jars/kafka-1.jar:{tmp_path}/jars/log4j-2.jar"
    assert [done for _, done in steps] == [None, 0.5, 1.0]
    registry.clear()
    jars.fetch("4.3.1", tmp_path, tell=lambda step, done: steps.append((step, done)))
    assert len(steps) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["jars"]


@pytest.mark.parametrize("damage", ["changed", "missing", "foreign", "no manifest"])
def test_a_damaged_directory_is_fetched_anew(tmp_path: Path, registry: list[dict[str, Any]], damage: str) -> None:
    directory = tmp_path / "jars"
    jars.fetch("4.3.1", tmp_path, tell=lambda *_: None)
    assert jars.intact(directory)
    if damage == "changed":
        (directory / "kafka-1.jar").write_bytes(b"jaR")
    elif damage == "missing":
        (directory / "kafka-1.jar").unlink()
    elif damage == "foreign":
        (directory / "other.jar").touch()
    else:
        (directory / "manifest.json").unlink()
    assert not jars.intact(directory)
    jars.fetch("4.3.1", tmp_path, tell=lambda *_: None)
    assert jars.intact(directory)
    assert (directory / "kafka-1.jar").read_bytes() == b"jar"


def test_a_jar_that_is_not_what_the_registry_says_is_refused_and_nothing_stays(
    tmp_path: Path, registry: list[dict[str, Any]]
) -> None:
    registry.append({"name": "bad-3.jar", "sha1": "0" * 40})
    with pytest.raises(KafkaError, match=r"bad-3.jar is damaged: its SHA-1 is \w{40}, the registry's 0{40}"):
        jars.fetch("4.3.1", tmp_path, tell=lambda *_: None)
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_cannot_be_asked_is_never_taken_for_one_that_needs_few_jars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_self: PythonResolver, artifact: JarArtifact) -> Path:
        raise ConnectionError(artifact.filename)

    monkeypatch.setattr(PythonResolver, "download", unreachable)
    with (
        stamina.set_testing(testing=True, attempts=2),
        pytest.raises(KafkaError, match=r"the jars of Kafka 4.3.1 cannot be downloaded: \d+ files are not to be had"),
    ):
        jars.fetch("4.3.1", tmp_path, tell=lambda *_: None)
    assert list(tmp_path.iterdir()) == []


@dataclass
class Listing:
    """The registry's list of versions, which is asked for, or is not to be had."""

    where: Path
    answers: bool = True
    asked: list[int | None] = field(default_factory=list)

    def __call__(self, repo_cache: Path) -> Listing:
        self.where = repo_cache
        return self

    def project(self, _group: str, _name: str) -> Listing:
        return self

    def update(self, max_age: int | None) -> None:
        self.asked.append(max_age)
        self.where.mkdir(exist_ok=True)
        if self.answers:
            (self.where / "maven-metadata-central.xml").write_text("4.3.1")

    def versions(self) -> list[Any]:
        return [SimpleNamespace(version="4.3.1")]


def test_an_old_listing_does_without_a_connection_unless_a_young_one_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Listing(tmp_path, answers=False)
    monkeypatch.setattr(jars, "MavenContext", registry)
    with pytest.raises(KafkaError, match="cannot be asked which Kafka it serves"):
        jars.served(tmp_path)
    registry.answers = True
    assert jars.served(tmp_path) == ["4.3.1"]
    registry.answers = False
    (listing,) = registry.where.glob("*.xml")
    os.utime(listing, (0, time.time() - 7200))
    assert jars.served(tmp_path) == jars.served(tmp_path, max_age=7300) == ["4.3.1"]
    with pytest.raises(KafkaError, match="cannot be asked which Kafka it serves"):
        jars.served(tmp_path, max_age=7100)
    registry.answers = True
    assert jars.served(tmp_path, max_age=7100) == ["4.3.1"]
    assert registry.asked == [None, None, 86_400, 7300, 7100, 7100]
