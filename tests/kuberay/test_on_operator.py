"""The real KubeRay operator, on a real API server and without nodes: what it makes of our manifests, and what it says.

No registry has the operator, so its file is named by MARATHON_KUBERAY_OPERATOR; who has KubeRay's sources builds it by
``go build`` in ``ray-operator``.
"""

import copy
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from tests.kuberay import rules
from tests.kuberay.api_server import ApiServer
from tests.kuberay.operator import REASON, at_work, operator
from tests.kuberay.rendering import CLOUDS, ROOT, Manifest, loaded, rendered

pytestmark = pytest.mark.on_kubernetes
_SECONDS = 120
_places = count()


@pytest.fixture(scope="module")
def operated(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server with the operator at work."""
    if not operator():
        pytest.skip(REASON)
    with at_work(api_server, tmp_path_factory.mktemp("operator")):
        yield api_server


@pytest.fixture
def place(operated: ApiServer) -> str:
    """A namespace of the test's own, as strict as ours. (Nothing ends in it: no controller of Kubernetes runs.)"""
    (namespace,) = loaded((ROOT / "namespace.yaml").read_text())
    namespace["metadata"]["name"] = f"operated-{next(_places)}"
    assert operated.apply(namespace).code == 201
    return str(namespace["metadata"]["name"])


def there(server: ApiServer, kind: str, place: str, group: str = "api/v1") -> list[Manifest]:
    return list(server.call("GET", f"/{group}/namespaces/{place}/{kind}").body["items"])


def warnings(server: ApiServer, place: str) -> list[tuple[str, str]]:
    events = [each for each in there(server, "events", place) if each["type"] == "Warning"]
    return [(each["reason"], each["message"]) for each in events]


def until(look: Callable[[], Any], says: Callable[[], object]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not look():
        assert time.monotonic() < deadline, says()
        time.sleep(0.2)


def put_in(server: ApiServer, place: str, objects: list[Manifest]) -> None:
    for each in objects:
        each["metadata"]["namespace"] = place
        answer = server.apply(each)
        assert answer.code == 201, answer.message


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_operator_makes_every_pod_of_an_overlay(operated: ApiServer, place: str, cloud: str) -> None:
    objects = copy.deepcopy(rendered(ROOT / "overlays" / cloud))
    for group in rules.only(objects, "RayCluster")["spec"]["workerGroupSpecs"]:
        group["minReplicas"] = 1
    put_in(operated, place, objects)

    def groups() -> list[str]:
        return sorted(each["metadata"]["labels"]["ray.io/group"] for each in there(operated, "pods", place))

    until(lambda: groups() == ["fallback", "headgroup", "spot"], lambda: (groups(), warnings(operated, place)))
    pods = {each["metadata"]["labels"]["ray.io/group"]: each["spec"] for each in there(operated, "pods", place)}
    assert {each["name"] for each in pods["headgroup"]["containers"]} == {"ray-head", "autoscaler"}
    assert {each["image"] for pod in pods.values() for each in (*pod["containers"], *pod.get("initContainers", ()))} == {"marathon-ray"}  # fmt: skip
    assert all(pod["restartPolicy"] == "Never" for pod in pods.values())
    assert pods["headgroup"]["serviceAccountName"] == "marathon-head"
    assert "--num-cpus=0" in str(pods["headgroup"]["containers"][0]["args"])
    assert "ray.io/market-type" in str(pods["spot"]["containers"][0])
    (bound,) = there(operated, "rolebindings", place, "apis/rbac.authorization.k8s.io/v1")
    assert [each["name"] for each in bound["subjects"]] == ["marathon-head"]
    until(lambda: _state(operated, place) == "Initializing", lambda: _state(operated, place))
    assert warnings(operated, place) == []


def _state(server: ApiServer, place: str) -> str:
    (job,) = there(server, "rayjobs", place, "apis/ray.io/v1")
    return str(job.get("status", {}).get("jobDeploymentStatus", ""))


REFUSED = {
    "least above most": ("minReplicas", 30, "InvalidRayClusterSpec"),
    "a pod that is restarted": ("template/spec/restartPolicy", "Always", "InvalidRayClusterSpec"),
    "resources twice": ("resources", {"CPU": "4"}, "InvalidRayClusterSpec"),
}


@pytest.mark.parametrize("wrong", REFUSED.values(), ids=REFUSED)
def test_the_operator_refuses_what_no_schema_does(operated: ApiServer, place: str, wrong: tuple[str, Any, str]) -> None:
    path, value, reason = wrong
    objects = copy.deepcopy(rendered(ROOT / "overlays" / "eks"))
    group = rules.only(objects, "RayCluster")["spec"]["workerGroupSpecs"][0]
    group["rayStartParams"] = {"num-cpus": "4"} if path == "resources" else {}
    *steps, last = path.split("/")
    at = group
    for step in steps:
        at = at[step]
    at[last] = value
    put_in(operated, place, objects)
    until(lambda: warnings(operated, place), lambda: "no word of it")
    assert warnings(operated, place)[0][0] == reason
    assert there(operated, "pods", place) == []
