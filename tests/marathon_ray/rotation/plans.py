"""Plans in short form."""

from typing import Any

from marathon_ray.rotation.plan import Plan


def a_plan(**more: Any) -> Plan:
    """Two scenarios on two clusters, unless said otherwise."""
    given: dict[str, Any] = {
        "clusters": {"one": "one.example:9092", "two": "two.example:9092"},
        "scenarios": [
            {"run": "steady-write", "clusters": ["one"], "fields": {"steady": {"from": "1 min", "to": "5 min"}}},
            {"run": "kill-leader", "weight": 3, "fields": {"writers.rate": ["50 MB/s", "100 MB/s"]}},
        ],
    }
    return Plan.model_validate({**given, **more})
