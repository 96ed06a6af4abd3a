"""The real KubeRay operator as a process beside an API server.

No registry has it, so its file is named by MARATHON_KUBERAY_OPERATOR; who has KubeRay's sources builds it by ``go build`` in
``ray-operator``.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kuberay.api_server import ApiServer, free_ports, started
from tests.kuberay.rendering import loaded

REASON = "MARATHON_KUBERAY_OPERATOR names no operator"
# The operator waits for all its kinds; of this one we have no objects.
SERVICES = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rayservices.ray.io}
spec:
  group: ray.io
  names: {kind: RayService, listKind: RayServiceList, plural: rayservices, singular: rayservice}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


def operator() -> str | None:
    """The file of its program, if somebody names one."""
    return os.environ.get("MARATHON_KUBERAY_OPERATOR") or None


@contextmanager
def at_work(server: ApiServer, folder: Path) -> Iterator[None]:
    """It runs within the block, and has written operator.log in that folder."""
    program = operator()
    assert program, REASON
    server.define(loaded(SERVICES)[0])
    (folder / "config").write_text(json.dumps(server.kubeconfig()))
    metrics, health = free_ports(2)
    command: list[str | Path] = [
        program, f"--kubeconfig={folder / 'config'}", f"--metrics-addr=127.0.0.1:{metrics}",
        f"--health-probe-bind-address=127.0.0.1:{health}", "--enable-leader-election=false",
    ]  # fmt: skip
    with started(command, folder / "operator.log"):
        yield
