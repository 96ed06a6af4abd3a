"""The cluster of cheap nodes for `ray up`: Ray's own validation, what Ray does not look at, and what Ray would launch."""

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from ray._raylet import RAY_NODE_MARKET_TYPE_KEY as MARKET  # type: ignore[attr-defined]
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
from ray.autoscaler.v2.utils import ResourceRequestUtil
from ray.core.generated import autoscaler_pb2, common_pb2

from marathon_ray.places.head import MARKETS

FILE = Path(__file__).parents[1] / "cluster.yaml"
CONFIG: dict[str, Any] = yaml.safe_load(FILE.read_text())
# What EC2's RunInstances calls them; Ray hands on whatever stands there, and boto3 refuses it only when a node is launched.
LAUNCH = {
    "BlockDeviceMappings", "IamInstanceProfile", "ImageId", "InstanceMarketOptions", "InstanceType", "KeyName",
    "MetadataOptions", "SecurityGroupIds", "SubnetIds", "TagSpecifications",
}  # fmt: skip
SPOT = {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time"}}
HEALTH = {"period_ms": 1000, "timeout_ms": 2000, "failure_threshold": 3}
SECRET = re.compile(r"AKIA|BEGIN [A-Z ]*KEY|passw|secret|token\b|sasl", re.IGNORECASE)
Config = dict[str, Any]


def complaints(config: Config) -> list[str]:
    """What would go wrong in the cloud though Ray's schema allows it, one line each."""
    types = config["available_node_types"]
    workers = {name: each for name, each in types.items() if name != config["head_node_type"]}
    return [
        *_of_the_head(config),
        *(line for name, each in types.items() for line in _of_a_type(name, each)),
        *_of_workers(workers),
        *_of_commands(config),
        *([f"like a secret: {found[0]}"] if (found := SECRET.search(yaml.safe_dump(config))) else []),
    ]


def _of_the_head(config: Config) -> Iterator[str]:
    head = config["available_node_types"][config["head_node_type"]]
    if head["resources"].get("CPU") != 0 or not head["resources"].get("controller"):
        yield "the head must have no CPU for workers, and be found by its resource"
    if "InstanceMarketOptions" in head["node_config"] or head["labels"].get(MARKET) != "on-demand":
        yield "the head must not be on spot"


def _of_a_type(name: str, each: Config) -> Iterator[str]:
    launch = each["node_config"]
    if unknown := set(launch) - LAUNCH:
        yield f"{name}: EC2 knows no {sorted(unknown)}"
    if set(each["labels"]) != {MARKET}:
        yield f"{name}: labels {sorted(each['labels'])}, workers select by {MARKET}"
    if not re.fullmatch(r"ami-[0-9a-f]{17}", launch["ImageId"]):
        yield f"{name}: {launch['ImageId']} is no image"
    spot = launch.get("InstanceMarketOptions")
    if spot != (SPOT if each["labels"].get(MARKET) == "spot" else None):
        yield f"{name}: the label says {each['labels'].get(MARKET)}, the launch {spot}"


def _of_workers(workers: Config) -> Iterator[str]:
    spot = [each for each in workers.values() if each["labels"].get(MARKET) == "spot"]
    dear = [each for each in workers.values() if each not in spot]
    if not spot or not dear or max(each["priority"] for each in dear) >= min(each["priority"] for each in spot):
        yield "spot must be there and come first, and on demand second"
    if len({str(each["resources"]) for each in workers.values()}) > 1:
        yield "Ray would choose by size and not by priority"
    if any("idle_timeout_s" not in each or each["min_workers"] for each in workers.values()):
        yield "idle workers must go, all of them"


def _of_commands(config: Config) -> Iterator[str]:
    head, worker = (" ".join(config[f"{who}_start_ray_commands"]) for who in ("head", "worker"))
    before = head.partition("ray start")[0]
    if missing := [name for name, value in HEALTH.items() if f"RAY_health_check_{name}={value} " not in before]:
        yield f"a lost node is noticed late: {missing}"
    if "--num-cpus=0" not in head or "--autoscaling-config=~/ray_bootstrap_config.yaml" not in head:
        yield "the head must start without CPUs, and with its autoscaler"
    if "-m marathon_ray.spot" not in worker.partition("ray start")[0]:
        yield "nobody watches for the notice that a spot node gets"
    if "--require-hashes" not in " ".join(config["setup_commands"]):
        yield "versions must be exact and their hashes checked"
    if len(config["provider"]["availability_zone"].split(",")) < 2 or config["provider"]["cache_stopped_nodes"]:
        yield "several zones are needed, and no stopped nodes that cost"


def test_ray_accepts_it() -> None:
    validate_config(prepare_config(copy.deepcopy(CONFIG)))


def test_ray_does_not_look_into_what_it_hands_on_and_we_do() -> None:
    assert complaints(CONFIG) == []
    misspelt = copy.deepcopy(CONFIG)
    launch = misspelt["available_node_types"]["spot-c7i"]["node_config"]
    launch["InstanceMarketOption"] = launch.pop("InstanceMarketOptions")
    validate_config(prepare_config(copy.deepcopy(misspelt)))
    assert len(complaints(misspelt)) == 2


def _type(name: str, *path: str, value: object) -> Callable[[Config], None]:
    def plant(config: Config) -> None:
        at = config["available_node_types"][name]
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return plant


def _text(key: str, old: str, new: str) -> Callable[[Config], None]:
    def plant(config: Config) -> None:
        assert old in str(config[key])
        config[key] = yaml.safe_load(yaml.safe_dump(config[key], width=9999).replace(old, new))

    return plant


WRONG = {
    "the market's name": _type("spot-c7a", "node_config", "InstanceMarketOptions", value={"MarketTyp": "spot"}),
    "a head on spot": _type("head", "node_config", "InstanceMarketOptions", value=SPOT),
    "a head with room": _type("head", "resources", value={"controller": 1}),
    "a head that nobody finds": _type("head", "resources", value={"CPU": 0}),
    "a label's name": _type("spot-c6i", "labels", value={"ray.io/markettype": "spot"}),
    "a label's value": _type("spot-c6i", "labels", value={MARKET: "preemptible"}),
    "a fallback on spot": _type("fallback", "node_config", "InstanceMarketOptions", value=SPOT),
    "a fallback before spot": _type("fallback", "priority", value=15),
    "a larger fallback": _type("fallback", "resources", value={"CPU": 8}),
    "workers that stay": _type("spot-c7i", "min_workers", value=1),
    "an image by name": _type("spot-c7i", "node_config", "ImageId", value="ubuntu-24.04"),
    "a health check": _text("head_start_ray_commands", "RAY_health_check_timeout_ms", "RAY_health_check_timeout"),
    "a head's CPUs": _text("head_start_ray_commands", "--num-cpus=0", ""),
    "no watcher": _text("worker_start_ray_commands", "marathon_ray.spot", "marathon_ray.spots"[::-1]),
    "no hashes": _text("setup_commands", "--require-hashes ", ""),
    "one zone": _text("provider", "eu-central-1a,eu-central-1b,eu-central-1c", "eu-central-1a"),
    "a secret": _text("worker_start_ray_commands", "ray stop", "export KAFKA_PASSWORD=x; ray stop"),
}


@pytest.mark.parametrize("plant", WRONG.values(), ids=WRONG)
def test_each_mistake_is_found(plant: Callable[[Config], None]) -> None:
    config = copy.deepcopy(CONFIG)
    plant(config)
    assert complaints(config)


def launched(workers: int, *, gone: tuple[str, ...] = (), nodes: str = "any", asked: int = 0) -> dict[str, int]:
    """What Ray's own autoscaler would launch for workers of the usual size on such nodes, after it could not have the types
    in `gone`, and was asked for room for so many."""
    config = AutoscalingConfig(copy.deepcopy(CONFIG), skip_content_hash=True)
    operator = common_pb2.LABEL_OPERATOR_IN  # type: ignore[attr-defined]
    selectors = [[(MARKET, operator, [market])] for market in MARKETS[nodes]]
    worker, room = (
        ResourceRequestUtil.make({"CPU": 0.1}, label_selectors=selectors),
        ResourceRequestUtil.make({"CPU": 0.1}),
    )
    request = SchedulingRequest(
        disable_launch_config_check=True,
        node_type_configs=config.get_node_type_configs(),
        max_num_nodes=config.get_max_num_nodes(),
        resource_requests=ResourceRequestUtil.group_by_count([worker] * workers),
        cluster_resource_constraints=[
            autoscaler_pb2.ClusterResourceConstraint(  # type: ignore[attr-defined]
                resource_requests=ResourceRequestUtil.group_by_count([room] * asked)
            )
        ]
        if asked
        else [],
        recoverable_resource_availabilities=dict.fromkeys(gone, 0.0),
    )
    reply = ResourceDemandScheduler(Mock()).schedule(request)
    assert not reply.infeasible_resource_requests
    return dict(Counter({each.instance_type: each.count for each in reply.to_launch}))


SPOT_TYPES = ("spot-c7i", "spot-c7a", "spot-c6i")


def test_ray_would_launch_spot_first_then_other_spot_then_on_demand() -> None:
    assert launched(70) == {"spot-c7i": 2}
    assert launched(70, gone=SPOT_TYPES[:1]) == {"spot-c7a": 2}
    assert launched(70, gone=SPOT_TYPES) == {"fallback": 2}


def test_for_workers_on_spot_it_would_launch_the_fallback_only_since_a_run_asks_for_room_of_any_kind() -> None:
    assert launched(70, nodes="spot") == {"spot-c7i": 2}
    assert launched(70, nodes="spot", gone=SPOT_TYPES[:1]) == {"spot-c7a": 2}
    assert "fallback" not in launched(70, nodes="spot", gone=SPOT_TYPES)
    assert launched(70, nodes="spot", gone=SPOT_TYPES, asked=70)["fallback"] == 2
    assert launched(0, asked=70) == {"spot-c7i": 2}
