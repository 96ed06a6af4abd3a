"""What a run has cost: hours of nodes by their kind, and money where prices are given."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from marathon_ray.report.report import Report
from marathon_ray.rotation.plan import Prices

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Hours of nodes that had workers, by kind ("spot", "on-demand"), and what they cost by currency."""

    hours: Mapping[str, float]
    money: Mapping[str, float]


def cost(report: Report, prices: Prices) -> Cost:
    """Every node counts for the whole run; of one without a label it is not known that it was cheap."""
    nodes = Counter(host.kind or "on-demand" for host in report.hosts)
    hours = {kind: count * report.seconds / _HOUR for kind, count in nodes.items()}
    money: dict[str, float] = {}
    for kind, count in hours.items():
        if price := prices.of(kind):
            money[price.currency] = money.get(price.currency, 0.0) + count * float(price.amount)
    return Cost(hours, money)
