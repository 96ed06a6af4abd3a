"""What workers do shows on the page of their node, among Ray's own metrics."""

import time
import urllib.request
from collections.abc import Callable, Iterator
from itertools import count

import pytest
import ray
from prometheus_client.parser import text_string_to_metric_families

from actors.spec import Consumers
from marathon_ray.places.on_ray import OnRay
from marathon_ray.places.series import Lags
from marathon_ray.round import Phase, Round
from tests.fleeting import Crew
from tests.mock_kafka import PARTITIONS, MockKafka

pytestmark = pytest.mark.on_ray
_topics = count()
_SECONDS = 60.0


@pytest.fixture
def crew(mock_kafka: MockKafka, on_ray: Callable[..., OnRay]) -> Iterator[Crew]:
    crew = Crew(mock_kafka.properties, {mock_kafka.topic(f"series-{next(_topics)}"): PARTITIONS}, on_ray(), live={})
    yield crew
    crew.close()


def page() -> dict[tuple[str, str, str], float]:
    """Our series of this node by (name, fleet, worker and what), with what processes that are gone have left."""
    (node,) = ray.nodes()  # type: ignore[no-untyped-call]
    address = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        text = answer.read().decode()
    found: dict[tuple[str, str, str], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("ray_marathon"):
                assert "run" not in sample.labels
                rest = " ".join(sample.labels[name] for name in ("worker", "what") if name in sample.labels)
                key = (sample.name.removeprefix("ray_marathon_"), sample.labels["fleet"], rest)
                found[key] = found.get(key, 0) + sample.value
    return found


def until(holds: Callable[[], bool], crew: Crew) -> None:
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline, page()
        crew.turn()
        time.sleep(0.5)


def test_the_series_of_workers_move_while_they_work(crew: Crew) -> None:
    crew.writers(workers=2, rate="1000 records/s")
    crew.add("readers", Consumers(of=tuple(crew.partitions), group="live"))
    Lags()(Round(0, 1, 0, Phase.WORKLOAD, lag={"readers": 17}))
    crew.settle()
    wanted = [("records_total", "writers", f"{worker} acknowledged") for worker in (0, 1)]
    wanted += [("records_total", "readers", "0 read"), ("bytes_total", "writers", "0"), ("lag_records", "readers", "")]
    until(lambda: all(page().get(key, 0) > 0 for key in wanted), crew)
    before = page()
    assert before["lag_records", "readers", ""] == 17
    until(lambda: all(page()[key] > before[key] for key in wanted[:3]), crew)
    assert page()["records_total", "writers", "0 acknowledged"] <= crew.counts["acknowledged"]
