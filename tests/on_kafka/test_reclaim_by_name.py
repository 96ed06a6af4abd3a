"""`marathon reclaim --cluster`: what carries the bench's name is deleted without any journal, and nothing else is."""

import shutil
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from marathon_ray import cli
from marathon_ray.journal import NAME, Journal
from marathon_ray.kafka import admin
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.kafka.topics import Topic
from marathon_ray.names import Names
from marathon_ray.reclaim import begin

pytestmark = pytest.mark.on_kafka
DEAD, LIVING, THEIRS = Names("mine", "0000dead"), Names("mine", "0000beef"), Names("theirs", "0000dead")


def make(kafka: LocalKafka, results: Path, names: Names) -> set[str]:
    """A topic and a group of a run whose process is this one, with its journal."""
    with Journal(results / f"steady-write-{names.run}" / NAME) as journal:
        begin(journal, names, kafka.name)
    properties, topic, group = kafka.client_properties(), names.of("orders"), names.of("live")
    admin.create(properties, {topic: Topic(partitions=1, replication=1, min_insync=1)})
    member = Consumer({**properties, "group.id": group})
    member.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    member.close()
    return {topic, group}


def there(kafka: LocalKafka) -> set[str]:
    properties = kafka.client_properties()
    return {*admin.look(properties).topics, *admin.groups(properties)}


def test_without_a_journal_our_dead_go_and_the_living_and_others_stay(
    kafka: LocalKafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others, living, theirs = there(kafka), make(kafka, tmp_path, LIVING), make(kafka, tmp_path, THEIRS)
    dead = make(kafka, tmp_path, DEAD)
    shutil.rmtree(tmp_path / f"steady-write-{DEAD.run}")  # with theirs, of the same number
    arguments = ["reclaim", "--cluster", kafka.name, "--bench", "mine", "--results", str(tmp_path)]
    try:
        assert cli.run(arguments) == 0
        none, *names, last = capsys.readouterr().out.splitlines()
        assert none == f"0 runs in {tmp_path} had left something"
        assert set(names) == dead
        assert last == f"2 topics and groups of bench mine were left on {kafka.name}"
        assert dead & there(kafka) == set()
        assert living | theirs <= there(kafka)
        assert cli.run(arguments) == 0
        assert capsys.readouterr().out.splitlines()[1:] == [
            f"0 topics and groups of bench mine were left on {kafka.name}"
        ]
    finally:
        ours = living | theirs | dead
        admin.delete(kafka.client_properties(), [name for name in ours if name.endswith("-orders")])
        admin.delete_groups(kafka.client_properties(), [name for name in ours if name.endswith("-live")])
    assert there(kafka) >= others
