"""A run that never was: a leader is killed, writes stop for a moment, and what came of it is what a test says."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from actors.bucketing import bucket
from actors.latency import empty
from actors.tally import Counts
from marathon_ray.finding import Finding, FindingKind, Tail, Window
from marathon_ray.outcome import Outcome
from marathon_ray.promises.promise import Shade, Verdict
from marathon_ray.report.facts import findings
from marathon_ray.report.report import Crew, Machine, Note, Report, Stage
from marathon_ray.report.series import Series
from marathon_ray.round import ACKS, Doing, Phase, Round

BEGAN = datetime(2026, 3, 1, 8, 0, 3, tzinfo=UTC)
BEGAN_NS = int(BEGAN.timestamp()) * 10**9
KILLED, BACK, HEALED, SECONDS, PARTITIONS = 60.0, 63.4, 120.0, 190.0, 12
STAGES = (
    Stage(name=Phase.PREPARE, since=0, until=4),
    Stage(name=Phase.WARMUP, since=4, until=10),
    Stage(name=Phase.WORKLOAD, since=10, until=180),
    Stage(name=Phase.DRAIN, since=180, until=187),
    Stage(name=Phase.CLEANUP, since=187, until=SECONDS),
)


def histogram(middle: float, count: int, random: np.random.Generator) -> Counts:
    counts = empty()
    for us in random.lognormal(np.log(middle), 0.5, min(count, 400)):
        counts[bucket(int(us))] += max(1, count // 400)
    return counts


def rounds(seconds: float = SECONDS) -> Iterator[Round]:
    """One a second; a third of the partitions is silent from KILLED to BACK."""
    random = np.random.default_rng(7)
    for until in map(float, range(1, int(seconds) + 1)):
        phase = next(stage.name for stage in STAGES if until <= stage.until)
        working, on = 4 < until <= 180, KILLED < until <= HEALED
        hit = KILLED < until <= BACK + 1
        wrote = 61_000 if hit else round(float(random.normal(100_000, 900))) * working
        slow = 900_000 if hit else 4_000
        latencies = {
            "response": histogram(slow, wrote, random),
            "service": histogram(slow, wrote, random),
            "lag": histogram(90, wrote, random),
        }
        counts = {"attempted": wrote, "acknowledged": wrote, "refused": 0, "unknown": 104 * hit, "bytes": wrote * 1024}
        writers = Doing(2, 2, 100_000 if working else 0, counts, latencies if wrote else {}, 0.42, 0.36)
        delivered = {"end to end": histogram(slow * 2, wrote, random)} if wrote else {}
        readers = Doing(1 if hit else 2, 2, -1, {"read": wrote, "read bytes": wrote * 1024}, delivered, 0.31, 0.36)
        yield Round(
            until - 1,
            until,
            BEGAN_NS + int(until * 1e9),
            phase,
            {"auditors": Doing(1, 1, -1, {"read": wrote * 3}), "writers": writers, "readers": readers},
            ("kill leader",) if on else (),
            Window({(0, 0): {"acknowledged": wrote, "found": wrote}}),
            acks(until, working=working, hit=hit),
            {"readers": round(abs(float(random.normal(900, 200)))) + 240_000 * hit},
            int(wrote * 1.5),
        )


def acks(until: float, *, working: bool, hit: bool) -> Any:
    partitions = [number for number in range(PARTITIONS) if working and not (hit and number % 3 == 1)]
    rows = np.zeros(len(partitions), ACKS)
    rows["partition"], rows["count"] = partitions, 8_000
    rows["first"], rows["last"] = BEGAN_NS + int((until - 0.98) * 1e9), BEGAN_NS + int((until - 0.02) * 1e9)
    return rows


LOST = tuple(
    Finding(
        kind=FindingKind.GONE if number % 2 else FindingKind.LOST, topic=0, partition=number % PARTITIONS, client=0xFEED0000BEEF0000 + number,
        first=1000 * number, last=1000 * number + 11, first_offset=5000 * number, last_offset=5000 * number + 11,
        since=BEGAN_NS + 61 * 10**9, until=BEGAN_NS + 62 * 10**9, epochs=(3,), epoch_now=4, count=12,
    )
    for number in range(70)
)  # fmt: skip


def report(outcome: Outcome = Outcome.PASSED, **changes: Any) -> Report:
    """`outcome` decides what was lost."""
    lost = LOST if outcome is Outcome.FAILED else ()
    gone = sum(finding.count for finding in lost)
    found, beyond = findings(lost, {0: "orders"})
    counts = {
        "attempted": 17_403_118,
        "acknowledged": 17_402_806,
        "refused": 0,
        "unknown": 312,
        "pending": 0,
        "unknown found": 298,
        "found": 17_402_806 - gone,
        "lost": gone,
        "expired": 0,
        "compacted": 0,
        "unaudited": 0,
    }
    integrity = Verdict(
        "Integrity(orders)", "every acknowledged record of orders is there, once and in order",
        f"17,402,806 acknowledged, {17_402_806 - gone:,} found, {gone} lost, 0 doubled, 0 out of order",
        "failed" if lost else "passed", safety=True, figures={"lost": gone}, promised="all there, once and in order",
    )  # fmt: skip
    again = Verdict(
        "WritableAgain(orders)",
        "every partition takes writes again within 60 s",
        "every partition writable again in 3.4 s",
        "passed",
        promised="60 s",
    )
    rate = Verdict(
        "KeepsRate(writers)",
        "at least 95 % of what was offered, outside faults",
        "99.8 % of 17,000,000 records",
        "passed",
    )
    topic = {
        "partitions": PARTITIONS,
        "replication": 3,
        "min_insync": 2,
        "cleanup": "delete",
        "retention": None,
        "unclean": False,
    }
    values = {
        "run": "3f9c0d21", "bench": "laptop", "scenario": "kill-leader", "outcome": outcome, "began": BEGAN,
        "promise": "A leader dies without warning: all partitions take writes again within a minute, nothing acknowledged is lost.",
        "seconds": SECONDS, "seed": 20260301, "coverage": 1.0, "findings": found, "findings_beyond": beyond,
        "versions": {"marathon-ray": "0.1.0", "Python": "3.11.9", "librdkafka": "2.16.1", "Ray": "2.60.0"},
        "spec": {"orders": topic, "writers": {"to": ["orders"], "rate": "100000 records/s"}, "readers": {"of": ["orders"]}, "auditors": {"of": ["orders"]}, "steady": "60 s"},
        "cluster": {"name": "staging", "id": "5L6g3nShT-eMCtK--X86sw", "version": "4.3.0"},
        "hosts": (
            Machine(
                node="n1", address="10.0.0.7", kind="spot", hours=0.05, processors=4, workers=("writers", "readers"),
                cpu_seconds=141.2, resident=612_000_000, memory=8_330_000_000, kernel="Linux 6.12.0",
            ),
        ),
        "node_hours": {"spot": 0.05}, "cost": {"EUR": 0.0015},
        "verdicts": (integrity, again, rate),
        "totals": {"orders": counts},
        "groups": {"live": {"orders": {"owed": 17_402_806 - gone, "delivered": 17_402_806 - gone}}},
        "shades": (Shade("kill leader", (2,), KILLED, BEGAN_NS + int(KILLED * 1e9), HEALED),),
        "phases": STAGES,
        "notes": (Note(text="in sync again", since=131.5), Note(text="second steady", since=60.0, until=180.0)),
        "fleets": (
            Crew(
                name="writers", workers=2, deaths=1, moved=3, tails=(Tail("writers-1", 104, 260),),
                announced=("writers-1",), worker_hours=0.1, within_zone=0.87,
            ),
            Crew(name="readers", workers=2, worker_hours=0.1),
            Crew(name="auditors", declared=False, workers=1, worker_hours=0.05),
        ),
        "short": 0.034,
        "allowances": ("orders: records that were never acknowledged may be there or not.",),
        "not_looked_at": ("What other programs wrote to the cluster.",),
        "series": ("rounds.parquet", "silent.parquet"),
    }  # fmt: skip
    return Report.model_validate({**values, **changes})


def measure(folder: Path, seconds: float = SECONDS) -> None:
    """The series of the run are in that folder."""
    series = Series()
    for each in rounds(seconds):
        series.add(each)
    series.write(folder, {0: ("orders", PARTITIONS)})
