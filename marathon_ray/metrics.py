"""What a rotation does, for Prometheus: a sink of events, rounds and finished runs, and the page that is scraped.

Labels take no more than so many values; what comes beyond is counted as "other", so that no name can fill a database.
"""

import platform
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Final, Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, start_http_server

from marathon_ray.event import Event, Severity
from marathon_ray.news import Kind
from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Verdict
from marathon_ray.rotation.ended import OTHER, Ended
from marathon_ray.round import Round
from marathon_ray.usage import UsageError

ADDRESS: Final = "127.0.0.1"  # the page asks for no login, so others see it only where somebody says so
PORT: Final = 9464  # where OpenTelemetry's Prometheus exporters are by default; neither Kafka's tools nor Ray use it
_VALUES: Final = 100  # of one label
_BUCKETS: Final = (30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400)  # s


class Metrics:
    """All metrics of one controller, in a registry of their own. Safe between threads. A `Sink` of events, and an `Audience`
    of runs."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._labels = _Labels()
        self._runs = Counter("marathon_runs", "Finished runs", ["scenario", "cluster", "outcome"], registry=own)
        self._seconds = Histogram(
            "marathon_run_seconds", "How long runs took", ["scenario"], buckets=_BUCKETS, registry=own
        )
        self._findings = Counter(
            "marathon_findings", "Findings of runs, as their reports have them", ["kind"], registry=own
        )
        self._node_hours = Counter("marathon_node_hours", "Hours of nodes that had workers", ["kind"], registry=own)
        self._cost = Counter(
            "marathon_cost", "What nodes have cost by the prices of the plan", ["currency"], registry=own
        )
        self._workers = Gauge("marathon_workers", "Workers of the run under way", registry=own)
        self._interruptions = Counter("marathon_interruptions", "Runs that were interrupted", registry=own)
        self._alerts = Counter("marathon_alerts", "Messages that channels took", ["severity"], registry=own)
        self._events = Counter("marathon_events", "Events", ["kind", "severity"], registry=own)
        # From 0: of a series that begins at its first event Prometheus sees no increase.
        self._events.labels(Kind.OFTEN_INTERRUPTED, Severity.WARNING.value)
        self._leftovers = Gauge(
            "marathon_leftovers", "1 while something of ours is left where nothing should be", registry=own
        )
        self._last = Gauge(
            "marathon_last_run_timestamp_seconds", "When the last run ended", ["scenario", "outcome"], registry=own
        )
        Info("marathon_build", "What is running", registry=own).info(
            {"version": _version(), "python": platform.python_version()}
        )

    def accept(self, event: Event) -> None:
        """One more event. Of some kinds their facts are counted as well."""
        self._events.labels(self._labels("kind", event.kind), event.severity.value).inc()
        if event.kind == Kind.ALERTED:
            self._alerts.labels(self._labels("severity", str(event.facts.get("severity", OTHER)))).inc()
        if event.kind == Kind.LEFTOVERS:
            self._leftovers.set(not event.over)

    def finished(self, one: Ended) -> None:
        """A run has ended."""
        self._workers.set(0)
        scenario = self._labels("scenario", one.scenario)
        self._runs.labels(scenario, self._labels("cluster", one.cluster), one.outcome.value).inc()
        self._seconds.labels(scenario).observe(one.seconds)
        self._last.labels(scenario, one.outcome.value).set(one.at.timestamp())
        for kind, hours in one.hours.items():
            self._node_hours.labels(self._labels("node kind", kind)).inc(hours)
        for currency, amount in one.money.items():
            self._cost.labels(self._labels("currency", currency)).inc(amount)
        for kind, count in one.findings.items():
            self._findings.labels(kind).inc(count)
        if one.outcome is Outcome.INTERRUPTED:
            self._interruptions.inc()

    def round(self, round_: Round, verdicts: Sequence[Verdict]) -> None:  # noqa: ARG002 - they count when the run has ended
        """One more round of the run under way. Its last one has no workers any more."""
        self._workers.set(sum(doing.workers for doing in round_.fleets.values()))

    def note(self, text: str) -> None:
        """It counts for nothing."""


class _Labels:
    """The first values of each label, as they came."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def __call__(self, label: str, value: str) -> str:
        with self._lock:
            seen = self._seen.setdefault(label, set())
            if value not in seen and len(seen) >= _VALUES:
                return OTHER
            seen.add(value)
            return value


class Page:
    """Metrics over HTTP, from a thread of its own, until it is closed. Raises UsageError of one line where it cannot be had.

    Port 0 is any that is free; `port` says which it became.
    """

    def __init__(self, metrics: Metrics, address: str = ADDRESS, port: int = PORT) -> None:
        try:
            self._server, self._thread = start_http_server(port, address, metrics.registry)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or "there is no such port"
            raise UsageError(f"metrics {address}:{port}: {why}") from None
        self.port = int(self._server.server_port)

    def close(self) -> None:
        """The port is free again."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _version() -> str:
    try:
        return version("marathon-ray")
    except PackageNotFoundError:
        return "unknown"
