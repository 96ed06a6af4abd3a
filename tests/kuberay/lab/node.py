"""A Kubernetes node of the lab, with what would be around it: a scheduler, a name server, a controller of jobs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

from tests.kuberay.lab import jobs
from tests.kuberay.lab.names import Addresses, Names
from tests.kuberay.lab.pod import Ground, Pod

Manifest = dict[str, Any]
_LOOK_SECONDS: Final = 0.25
_NAME: Final = "lab"


class Node:
    """Looks again and again at what is wanted in one namespace, and does what is missing. `known` are further names."""

    def __init__(self, ground: Ground, namespace: str, names: Names, known: Addresses) -> None:
        self._ground, self._names, self._known = ground, names, known
        self._space = f"/api/v1/namespaces/{namespace}"
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._numbers = count(1)
        self._ending = threading.Event()
        self.pods: dict[str, Pod] = {}  # by their objects' identity

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Pods run within the block; all are killed at its end."""
        thread = threading.Thread(target=self._work, name="node")
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join()
            for pod in self.pods.values():
                pod.crash()
                pod.leave(0)
            for pod in self.pods.values():
                pod.ended()

    def pod(self, name: str) -> Pod:
        """The living one of that name."""
        (found,) = (pod for pod in self.pods.values() if pod.name == name and pod.alive)
        return found

    def _work(self) -> None:
        while not self._ending.wait(_LOOK_SECONDS):
            wanted = self._list(f"{self._space}/pods", kind="Pod")
            for each in wanted:
                self._do(each)
            services = self._list(f"{self._space}/services", kind="Service")
            self._names.addresses = {**self._known, **addresses(services, wanted)}
            for job in self._list(self._jobs, kind="Job"):
                jobs.step(self._ground.server, job, wanted)

    def _list(self, path: str, *, kind: str) -> list[Manifest]:
        """An item of a list does not say of what kind it is."""
        answer = self._ground.server.call("GET", path)
        assert answer.code == 200, answer.message
        return [{"apiVersion": answer.body["apiVersion"], "kind": kind, **each} for each in answer.body["items"]]

    def _do(self, wanted: Manifest) -> None:
        metadata = wanted["metadata"]
        here = self.pods.get(metadata["uid"])
        if "deletionTimestamp" in metadata:
            if here:
                here.leave(metadata["deletionGracePeriodSeconds"])
        elif "nodeName" not in wanted["spec"]:
            target = {"apiVersion": "v1", "kind": "Node", "name": _NAME}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": metadata["name"]}, "target": target}
            answer = self._ground.server.call("POST", f"{self._space}/pods/{metadata['name']}/binding", binding)
            assert answer.code in {201, 404}, answer.message  # it may be gone
        elif not here:
            self.pods[metadata["uid"]] = Pod(wanted, self._ground, next(self._numbers))


def addresses(services: list[Manifest], pods: list[Manifest]) -> Addresses:
    """What a cluster's name server says of headless services: the addresses of the pods that they select."""
    found = {}
    for each in services:
        chosen = each["spec"]["selector"].items()
        there = [pod["status"]["podIP"] for pod in pods if "podIP" in pod["status"] and chosen <= pod["metadata"]["labels"].items()]  # fmt: skip
        found[f"{each['metadata']['name']}.{each['metadata']['namespace']}.svc.cluster.local"] = tuple(there)
    return found
