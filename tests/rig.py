"""Workers in threads of this process, collected into accounts: a small run without a driver, for tests."""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer as PlainConsumer
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from actors.auditor import Auditor
from actors.spec import Auditors
from actors.tally import Part
from actors.target import Target, TopicPlace
from actors.worker import Worker
from marathon_ray.accounts import Accounts
from marathon_ray.balance import Balance
from marathon_ray.finding import Finding, FindingKind
from marathon_ray.terms import GroupTerms, TopicTerms

ADMIN_SECONDS = 30.0


def create(properties: Mapping[str, str], name: str, **options: Any) -> None:
    """The topic exists, as NewTopic's options say."""
    admin = AdminClient({**properties, "log_level": 0})
    admin.create_topics([NewTopic(name, **options)])[name].result(ADMIN_SECONDS)


class Rig:
    """A target, its accounts, and workers that run in threads; `step` collects from all once."""

    def __init__(
        self,
        properties: Mapping[str, str],
        topics: Mapping[str, int],
        *,
        terms: Mapping[str, Mapping[str, Any]] | None = None,
        groups: Mapping[str, GroupTerms] | None = None,
    ) -> None:
        places = {name: TopicPlace(ordinal, count) for ordinal, (name, count) in enumerate(topics.items(), 1)}
        self.partitions = dict(topics)
        self.target = Target(secrets.randbits(32), properties, places)
        extra = terms or {}
        self.accounts = Accounts(
            {
                place.ordinal: TopicTerms(topic_id=name, partitions=place.partitions, **extra.get(name, {}))
                for name, place in places.items()
            },
            groups=groups,
        )
        self.findings: list[Finding] = []
        self.counts: Counter[str] = Counter()
        self.parts: list[Part] = []
        self._retired: list[Worker[Any]] = []
        self._workers: dict[str, tuple[Worker[Any], threading.Thread]] = {}

    def start(self, worker: Any, spec: Any, *, of: int = 1, index: int = 0) -> Any:
        """The worker runs with its slice of the spec."""
        thread = threading.Thread(target=worker.run, name=worker.name, daemon=True)
        self._workers[worker.name] = (worker, thread)
        worker.apply(1, spec.slice(index, of, self.partitions))
        thread.start()
        return worker

    def audit(self, *topics: str, trailing: float = 0.0, **options: Any) -> Auditor:
        """An auditor of these topics runs."""
        spec = Auditors(of=topics, trailing=trailing)
        self.start(Auditor(f"auditor of {topics}", self.target, **options), spec)
        return self._workers[f"auditor of {topics}"][0]  # type: ignore[return-value]

    def step(self) -> None:
        """Collect from every worker once, and settle."""
        for name, (worker, thread) in self._workers.items():
            assert thread.is_alive() or worker in self._retired, f"{name} ended by itself"
            tally = worker.collect(self.accounts.version(name))
            for part in tally.after(self.accounts.version(name)):
                self.counts.update(part.counts)
                self.parts.append(part)
            self.accounts.take(tally)
        window = self.accounts.settle()
        self.findings += window.findings
        for finding in window.withdrawn:
            self.findings.remove(finding)

    def run(self, seconds: float, *, every: float = 0.2) -> None:
        """Step for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(every)
            self.step()

    def until(self, done: Any, *, within: float = 60.0, every: float = 0.1) -> None:
        """Step until `done()`; fails the test after `within` seconds."""
        deadline = time.monotonic() + within
        while not done():
            assert time.monotonic() < deadline, f"not within {within} s: {self.counts}"
            time.sleep(every)
            self.step()

    def retire(self, *workers: Any) -> None:
        """Stop these workers, wait for their ends and collect the last of them."""
        for worker in workers:
            self._retired.append(worker)
            worker.stop()
        for worker in workers:
            thread = self._workers[worker.name][1]
            deadline = time.monotonic() + 60
            while thread.is_alive() and time.monotonic() < deadline:
                thread.join(0.1)
                self.step()
            assert not thread.is_alive(), f"{worker.name} did not end"
        self.step()

    def ends(self) -> dict[tuple[str, int], int]:
        """The high watermark of every partition."""
        plain = PlainConsumer({**self.target.properties, "group.id": "rig", "log_level": 0})
        try:
            return {
                (name, partition): plain.get_watermark_offsets(TopicPartition(name, partition), timeout=ADMIN_SECONDS)[
                    1
                ]
                for name, count in self.partitions.items()
                for partition in range(count)
            }
        finally:
            plain.close()

    def drained(self, ends: Mapping[tuple[str, int], int], reading: str) -> bool:
        """Whether that reading stands at these ends."""
        return all(
            self.accounts.position(reading, self.target.topics[name].ordinal, partition) >= end
            for (name, partition), end in ends.items()
        )

    def finish(self, *auditors: Auditor, readings: tuple[str, ...] = ("first", "second")) -> Balance:
        """Drain the auditors (every other worker is retired), judge the rest, and return the balance."""
        for auditor in auditors:
            auditor.apply(1_000_000, Auditors(of=auditor._spec.of, trailing=0).slice(0, 1, self.partitions))
        ends = self.ends()
        self.until(lambda: all(self.drained(ends, reading) for reading in readings))
        self.retire(*[worker for worker, thread in self._workers.values() if thread.is_alive()])
        window = self.accounts.finish()
        self.findings += window.findings
        for finding in window.withdrawn:
            self.findings.remove(finding)
        return self.accounts.balance()

    def found(self, *kinds: FindingKind) -> int:
        """How many records the findings of these kinds count."""
        return sum(finding.count for finding in self.findings if finding.kind in kinds)
