"""A run as a whole, where that needs no Kafka."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from actors.spec import Producers
from marathon_ray.clusters import Opened
from marathon_ray.faults.broker import Kill
from marathon_ray.ground import Ground
from marathon_ray.kafka.cluster import Cluster, KafkaError
from marathon_ray.kafka.existing import Existing
from marathon_ray.kafka.topics import Topic
from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Promise
from marathon_ray.report.report import Report
from marathon_ray.running import Options, run
from marathon_ray.scenario import Scenario, UnfitError
from marathon_ray.toolkit import Toolkit


class Killing(Scenario):
    """It wants what the cluster cannot suffer."""

    orders: Topic = Topic(partitions=3)
    writers: Producers = Producers(to="orders", rate="1000 records/s")
    suffers = (Kill,)

    def promises(self) -> Iterator[Promise]:
        return iter(())

    async def workload(self, kit: Toolkit) -> None:
        raise AssertionError("it cannot be played")


def test_a_run_that_is_stopped_when_its_report_is_there_keeps_its_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Existing({"bootstrap.servers": "nowhere:1"})
    given = Opened("theirs", ours=False, cluster=cluster, begin=pytest.fail, end=lambda: None)

    async def stopped_late() -> Report:
        loop = asyncio.get_running_loop()
        options: Options = {
            "cluster": given,
            "places": "here",
            "results": tmp_path,
            "run": "0000000d",
            "signals": False,
        }
        task = asyncio.ensure_future(run(Killing(), **options))

        def leave(ground: Ground) -> None:
            asyncio.run_coroutine_threadsafe(_cancel(task), loop).result()

        monkeypatch.setattr(Ground, "leave", leave)
        return await task

    report = asyncio.run(stopped_late())
    (folder,) = tmp_path.iterdir()
    assert report == Report.read(folder)
    assert (folder.name, report.run) == ("killing-0000000d", "0000000d")
    assert report.outcome is Outcome.SKIPPED


async def _cancel(task: "asyncio.Task[Any]") -> None:
    task.cancel("a person")


class Picky(Scenario):
    """It asks the cluster first."""

    orders: Topic = Topic(partitions=3)
    answer: str

    def fitted(self, cluster: Cluster) -> Self:
        if self.answer == "nothing":
            raise UnfitError("there is nothing to do")
        raise KafkaError(f"it cannot be {self.answer}")

    async def workload(self, kit: Toolkit) -> None:
        raise AssertionError("it cannot be played")


def test_a_scenario_with_nothing_to_do_is_skipped_and_one_that_cannot_be_had_so_is_refused(tmp_path: Path) -> None:
    cluster = Existing({"bootstrap.servers": "nowhere:1"})
    given = Opened("theirs", ours=False, cluster=cluster, begin=pytest.fail, end=lambda: None)
    report = asyncio.run(run(Picky(answer="nothing"), cluster=given, places="here", results=tmp_path))
    assert (report.outcome, report.cause) == (Outcome.SKIPPED, "there is nothing to do")
    with pytest.raises(KafkaError, match="it cannot be had"):
        asyncio.run(run(Picky(answer="had"), cluster=given, places="here", results=tmp_path))
    assert len(list(tmp_path.iterdir())) == 1
