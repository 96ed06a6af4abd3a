"""What Kubernetes' controller of jobs does, for jobs of one pod: it makes the pod, and tells how that has ended."""

from datetime import UTC, datetime
from typing import Any

from tests.kuberay.api_server import ApiServer

Manifest = dict[str, Any]
_ENDS = {"Succeeded": "Complete", "Failed": "Failed"}


def step(server: ApiServer, job: Manifest, pods: list[Manifest]) -> None:
    """The one thing that is next to be done for that job. A pod that has failed is not tried again here."""
    if job.get("status", {}).get("conditions"):
        return
    made = [pod for pod in pods if job["metadata"]["uid"] in {owner["uid"] for owner in pod["metadata"].get("ownerReferences", ())}]  # fmt: skip
    if not made:
        answer = server.apply(pod_of(job))
        assert answer.code == 201, answer.message
    elif (phase := made[0]["status"].get("phase")) in _ENDS:
        path = f"{server.path(job)}/{job['metadata']['name']}/status"
        answer = server.call("PATCH", path, {"status": _status(job, phase)}, "application/merge-patch+json")
        assert answer.code == 200, answer.message


def pod_of(job: Manifest) -> Manifest:
    """The pod of a job, which owns it."""
    own, template = job["metadata"], job["spec"]["template"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": own["name"], "uid": own["uid"], "controller": True}
    named = {"name": f"{own['name']}-1", "namespace": own["namespace"], "ownerReferences": [owner]}
    metadata = {name: value for name, value in template["metadata"].items() if name in {"labels", "annotations"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata | named, "spec": template["spec"]}


def _status(job: Manifest, phase: str) -> Manifest:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": _ENDS[phase], "status": "True", "lastTransitionTime": now}
    if phase == "Failed":
        return {"failed": 1, "startTime": now, "conditions": [{**condition, "type": "FailureTarget"}, condition]}
    target = {**condition, "type": "SuccessCriteriaMet"}
    return {"succeeded": 1, "startTime": now, "completionTime": now, "conditions": [target, condition]}
