"""Our manifests as they are applied in the lab: what is another there than on a real cluster stands here, and nowhere else."""

from typing import Any, Final

import yaml

from tests.kuberay import rules
from tests.kuberay.rendering import ROOT, rendered

Manifest = dict[str, Any]
OVERLAY: Final = "eks"
WORKERS: Final = 5  # two writers, two readers, and one who audits
_TURN: Final = {
    "run": "steady-write",
    "fields": {"writers.rate": "500 kB/s", "writers.workers": 2, "readers.workers": 2, "steady": "90 s"},
}


def ours() -> list[Manifest]:
    """Two workers are there before anybody asks for them, and each turn of the plan is short, and what two cores can bear."""
    objects = rendered(ROOT / "overlays" / OVERLAY)
    (spot,) = (
        each for each in rules.only(objects, "RayCluster")["spec"]["workerGroupSpecs"] if each["groupName"] == "spot"
    )
    spot["minReplicas"] = 2
    held = rules.only(objects, "ConfigMap")["data"]
    plan = yaml.safe_load(held["plan.yaml"])
    held["plan.yaml"] = yaml.safe_dump(plan | {"scenarios": [_TURN]})
    return objects
