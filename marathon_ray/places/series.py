"""What workers do, as series of Ray's own metrics: on the page of the node where each is, under `ray_marathon_…`.

Labels are the fleet and the number of a worker's slice, which is the same for one that takes another's place. No run's
name is among them: every run would leave its series behind.
"""

from collections import Counter as Sums
from collections.abc import Iterable, Mapping
from typing import Final

from ray.util.metrics import Counter, Gauge

from actors.order import Answer, Order
from actors.tally import Part
from marathon_ray.round import Round

_LABELS: Final = ("fleet", "worker")
_RECORDS: Final = ("attempted", "acknowledged", "refused", "unknown", "read")


class Seats:
    """The series of one seat. Told once a collect, of parts that may come again."""

    def __init__(self) -> None:
        self._records = Counter("marathon_records", "Records of a worker, by what became of them", (*_LABELS, "what"))
        self._bytes = Counter("marathon_bytes", "Bytes of values, acknowledged or read", _LABELS)
        self._waiting = Gauge(
            "marathon_unconfirmed_parts", "Parts of a tally that the driver has not confirmed", _LABELS
        )
        self._labels: dict[str, str] = {}
        self._told = 0  # the newest part

    def tell(self, order: Order | None, answer: Answer) -> None:
        """What a seat answered to that order, if it was given one."""
        if order:
            self._labels = labels(order)
        if not (answer.tally and self._labels):
            return
        sums = added(answer.tally.after(self._told))
        self._told = max(self._told, answer.tally.version)
        for what in _RECORDS:
            if sums[what]:
                self._records.inc(sums[what], {**self._labels, "what": what})
        if carried := sums["bytes"] + sums["read bytes"]:
            self._bytes.inc(carried, self._labels)
        self._waiting.set(len(answer.tally.parts), self._labels)


class Lags:
    """The series of the driver: how many records each group is behind."""

    def __init__(self) -> None:
        self._lag = Gauge("marathon_lag_records", "Records that a fleet's group is behind what was written", ("fleet",))

    def __call__(self, round_: Round) -> None:
        """One more round."""
        for fleet, records in round_.lag.items():
            self._lag.set(records, {"fleet": fleet})


def labels(order: Order) -> dict[str, str]:
    """Workers are called <fleet>-<number>, and in a later life of a seat <fleet>-<number>.<life>."""
    return {"fleet": order.worker.rpartition("-")[0], "worker": str(order.spec.index)}


def added(parts: Iterable[Part]) -> Mapping[str, int]:
    """The counts of all parts."""
    sums: Sums[str] = Sums()
    for part in parts:
        sums.update(part.counts)
    return sums
