"""What happens in the lab: our manifests are applied, a run goes on, pods are taken from it.

Played by ``tests/kuberay/test_in_lab.py`` in namespaces of its own, and nowhere else: it changes mounts and network.
"""

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka.admin import AdminClient

from marathon_ray.kafka import node as kafka_node
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.outcome import Outcome
from marathon_ray.report.report import NAME, Report
from tests.kuberay import operator, schema
from tests.kuberay.api_server import ApiServer, running
from tests.kuberay.control_plane import program
from tests.kuberay.lab import image, network
from tests.kuberay.lab.changes import WORKERS, ours
from tests.kuberay.lab.names import Names
from tests.kuberay.lab.node import Node
from tests.kuberay.lab.pod import Ground
from tests.kuberay.rendering import ROOT, Manifest, loaded
from tests.kuberay.test_leaving_on_ray import preempted

pytestmark = pytest.mark.on_kubernetes
_LAB: Final = Path("/run/lab")  # in memory, and gone with the namespace
_SPACE: Final = "marathon"
_PODS: Final = f"/api/v1/namespaces/{_SPACE}/pods"
_SEARCH: Final = f"{_SPACE}.svc.cluster.local svc.cluster.local cluster.local"
_KAFKA: Final = "kafka-bootstrap.kafka.svc"  # as the plan calls it
_SECONDS: Final = 300
_KILLED: Final = 128 + signal.SIGKILL


def broken(report: Report) -> list[str]:
    """What of its promises was not kept, but for latencies: a pod that starts takes the processors of all others here."""
    return [each.found for each in report.verdicts if each.state != "passed" and not each.promise.startswith("Latency")]


def conditions(pod: Manifest) -> set[tuple[str, str]]:
    """Each with its status."""
    return {(each["type"], each["status"]) for each in pod["status"].get("conditions", ())}


class Lab:
    """What is asked and told while the story goes on."""

    def __init__(self, server: ApiServer, node: Node) -> None:
        self.server, self.node = server, node

    def pods(self, group: str) -> list[Manifest]:
        """Of a group."""
        found = self.server.call("GET", f"{_PODS}?labelSelector=ray.io/group={group}")
        return list(found.body["items"])

    def is_there(self, pod: str) -> bool:
        """Whether there is such a pod, and be it that it is about to go."""
        return self.server.call("GET", f"{_PODS}/{pod}").code == 200

    def names(self, group: str) -> set[str]:
        """Of those that are ready."""
        return {each["metadata"]["name"] for each in self.pods(group) if ("Ready", "True") in conditions(each)}

    def head(self) -> str:
        """Its address."""
        (head,) = self.pods("headgroup")
        return str(head["status"]["podIP"])

    def workers(self) -> float:
        """Of the run under way, as Prometheus would hear it."""
        try:
            with urllib.request.urlopen(f"http://{self.head()}:9464/metrics", timeout=5) as page:
                lines = page.read().decode().splitlines()
        except OSError:
            return 0
        return next((float(line.split()[1]) for line in lines if line.startswith("marathon_workers ")), 0)

    def job(self) -> str:
        """How Ray's job is, by the head's dashboard."""
        with urllib.request.urlopen(f"http://{self.head()}:8265/api/jobs/", timeout=20) as answer:
            (job,) = (each for each in json.load(answer) if each["type"] == "SUBMISSION")
        return str(job["status"])

    def runs(self) -> list[Path]:
        """The folders of all runs that have begun, oldest first, on the volume of the claim."""
        found = (_LAB / "claims/marathon-results/results").glob("steady-write-*/journal.jsonl")
        return [journal.parent for journal in sorted(found, key=Path.read_text)]

    def report(self, number: int) -> Report:
        """What was found in that run, when it has ended."""
        self.until(lambda: len(self.runs()) >= number and (self.runs()[number - 1] / NAME).exists())
        return Report.read(self.runs()[number - 1])

    def topics(self) -> list[str]:
        """What runs have made on the cluster."""
        admin = AdminClient({"bootstrap.servers": f"{network.GATEWAY}:9092"})
        return [name for name in admin.list_topics(timeout=20).topics if name.startswith("m-")]

    def delete(self, path: str) -> None:
        answer = self.server.call("DELETE", path)
        assert answer.code == 200, answer.message

    def until(self, look: Callable[[], Any]) -> None:
        deadline = time.monotonic() + _SECONDS
        while not look():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.25)

    def said(self) -> str:
        """The last words of everybody."""
        logs = sorted(path for path in _LAB.rglob("*log") if path.is_file() and "above" not in path.parts)
        return "\n".join(f"--- {path}\n{path.read_text(errors='replace')[-1500:]}" for path in logs)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A cluster of one node with the operator and a Kafka at work, and nothing of ours on it yet."""
    network.lay()
    for name in ("image", "pods", "claims", "control-plane", "operator"):
        (_LAB / name).mkdir(parents=True)
    image.make(_LAB / "image", nameserver=network.GATEWAY, search=_SEARCH)
    subprocess.run(["mount", "--bind", _LAB / "image/etc/resolv.conf", "/etc/resolv.conf"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], check=True)
    names = Names()
    known = dict.fromkeys((_KAFKA, f"{_KAFKA}.cluster.local"), (network.GATEWAY,))
    with ExitStack() as stack:
        changed = stack.enter_context(pytest.MonkeyPatch.context())
        changed.setattr(kafka_node, "HOST", network.GATEWAY)  # where pods reach it
        changed.setenv("MARATHON_HOME", str(_LAB))
        stack.enter_context(names.served(network.GATEWAY))
        stack.enter_context(LocalKafka(port=9092))
        server = stack.enter_context(running(program(), _LAB / "control-plane", network.GATEWAY))
        for kind in ("RayCluster", "RayJob", "RayCronJob"):
            server.define(schema.definition(kind))
        assert server.apply(loaded((ROOT / "namespace.yaml").read_text())[0]).code == 201
        stack.enter_context(operator.at_work(server, _LAB / "operator"))
        node = Node(Ground(server, _LAB / "image", _LAB / "pods", _LAB / "claims"), _SPACE, names, known)
        stack.enter_context(node.at_work())
        yield Lab(server, node)


def test_a_pod_that_is_told_to_go_is_drained_and_replaced_and_the_run_passes(lab: Lab) -> None:
    for each in ours():
        answer = lab.server.apply(each)
        assert answer.code == 201, answer.message
    lab.until(lambda: len(lab.names("spot")) == 2)
    lab.until(lambda: lab.workers() == WORKERS)
    victim = min(lab.names("spot"))
    container = lab.node.pod(victim).containers["ray-worker"]
    lab.delete(f"{_PODS}/{victim}")
    lab.until(lambda: not lab.is_there(victim))
    assert container.code != _KILLED, "its node was kept until the grace period was over"
    lab.until(lambda: preempted(f"{lab.head()}:6379") == 1)
    lab.until(lambda: len(lab.names("spot")) >= 2)
    report = lab.report(1)
    assert broken(report) == []
    assert report.total("acknowledged") == report.total("found") > 0
    assert report.total("unknown") == 0
    assert sum(crew.moved for crew in report.fleets) > 0
    assert sum(crew.deaths for crew in report.fleets) == 0, "\n".join(note.text for note in report.notes)


def test_a_pod_that_is_lost_is_replaced_and_nothing_that_was_acknowledged_is_missed(lab: Lab) -> None:
    lab.until(lambda: len(lab.runs()) == 2 and lab.workers() == WORKERS)
    victim = min(lab.names("spot"))
    lab.node.pod(victim).crash()
    lab.until(lambda: not lab.is_there(victim) and len(lab.names("spot")) >= 2)
    report = lab.report(2)
    assert sum(crew.deaths for crew in report.fleets) > 0
    assert [finding for finding in report.findings if finding.kind != "unowned"] == []
    assert report.total("found") >= report.total("acknowledged") > 0
    (integrity,) = (verdict for verdict in report.verdicts if verdict.promise.startswith("Integrity"))
    dark = integrity.state == "undecided" and "in the dark" in integrity.found  # what a short run cannot make up for
    assert integrity.state == "passed" or dark, integrity.found


def test_a_job_that_is_deleted_ends_its_run_in_good_order(lab: Lab) -> None:
    lab.until(lambda: len(lab.runs()) == 3 and lab.workers() == WORKERS)
    assert lab.topics()
    lab.delete(f"/apis/ray.io/v1/namespaces/{_SPACE}/rayjobs/marathon")
    report = lab.report(3)
    assert report.outcome is Outcome.INTERRUPTED
    lab.until(lambda: lab.job() == "STOPPED")
    assert lab.topics() == []
