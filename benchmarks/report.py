"""README.md of this folder, out of the saved figures: tables, ratios, targets met or not."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import runs_report
from benchmarks.figures import RESULTS, Figures, Spread, Target
from benchmarks.interruptions_result import INTERRUPTIONS, InterruptionsResult
from benchmarks.losses_result import LOSSES, LossesResult
from benchmarks.runs import RunFigures
from benchmarks.suite import PARTITIONS, PRODUCING, READING, SIZES, WIDE, producing, reading
from benchmarks.thousand_result import THOUSAND, ThousandResult
from benchmarks.volume_result import VolumeResult

README: Final = Path(__file__).parent / "README.md"
FIGURES: Final = RESULTS / "clients.json"
VOLUME: Final = RESULTS / "volume.json"
RUNS: Final = RESULTS / "runs.json"

NAMES: Final = {
    "ours produce": "**ours**: unique values, checksum, every acknowledgement booked",
    "ours produce unverified": "ours, the same loop without body and checksum",
    "confluent produce_batch": "confluent-kafka `produce_batch()` + callback, checks nothing",
    "confluent produce": "confluent-kafka `produce()` + callback, checks nothing",
    "java produce": "Kafka's ProducerPerformance",
    "ours read": "**ours**, one pass: checksum, identity, order, offsets, latency",
    "ours read unverified": "ours, the same loop without the checksum",
    "ours audit": "ours, a whole auditor: reads every record **twice**",
    "confluent consume": "confluent-kafka `consume(10000)`, only counts",
    "confluent poll": "confluent-kafka `poll()`, only counts",
    "java consume": "Kafka's ConsumerPerformance",
}
_PAIRS: Final = {
    "produce": ("ours produce", "confluent produce_batch"),
    "read": ("ours read", "confluent consume"),
}


def targets(figures: Figures) -> list[Target]:
    """All targets of the data plane, in the report's order."""
    made = []
    for size, micros, produce, read in ((100, True, 0.6, 0.5), (1024, False, 0.85, 0.55)):
        for idempotent in (True, False):
            series = producing(size, idempotent=idempotent)
            if micros:
                made.append(Target(f"{series}: ours, µs", 0.5, figures.micros(series, "ours produce")))
            made.append(Target(f"{series}: ours / `produce_batch()`", produce, _ratio(figures, series, "produce")))
        series = reading(size)
        if micros:
            made.append(Target(f"{series}: ours, one pass, µs", 0.4, figures.micros(series, "ours read")))
        made.append(Target(f"{series}: ours, one pass / `consume(10000)`", read, _ratio(figures, series, "read")))
    ends = [(WIDE, str(count)) for count in (PARTITIONS[-1], PARTITIONS[0])]
    made.append(Target(f"produce: {PARTITIONS[-1]} partitions / one", 2.0, figures.ratio(*ends)))
    return made


def _ratio(figures: Figures, series: str, pair: str) -> Spread:
    left, right = _PAIRS[pair]
    return figures.ratio((series, left), (series, right))


def write() -> None:
    """README.md says what the saved figures say. Raises OSError where there are none."""
    figures = Figures.load(FIGURES)
    volume = VolumeResult.load(VOLUME) if VOLUME.exists() else None
    runs = RunFigures.load(RUNS) if RUNS.exists() else None
    thousand = ThousandResult.load(THOUSAND) if THOUSAND.exists() else None
    losses = LossesResult.load(LOSSES) if LOSSES.exists() else None
    cuts = InterruptionsResult.load(INTERRUPTIONS) if INTERRUPTIONS.exists() else None
    measured = [*_runs(runs), *_volume(volume), *_thousand(thousand), *_losses(losses), *_interruptions(cuts)]
    parts = [*_head(figures, runs), *_tables(figures), *measured, *_tail()]
    README.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _head(figures: Figures, runs: RunFigures | None) -> Iterator[str]:
    yield "# What a record costs"
    yield ""
    yield "CPU time (user and system of the whole client process) a record, beside the usual tools, on the same three local"
    yield "brokers in the same run. Written by `make bench`; do not edit."
    yield ""
    yield from (f"- {name}: {value}" for name, value in figures.about.items())
    least, middle, most = min(figures.loads), median(figures.loads), max(figures.loads)
    yield f"- load average before the rounds: {least:.1f} to {most:.1f}, median {middle:.1f}"
    yield ""
    yield "## Targets"
    yield ""
    yield "| | at most | measured: median (least to most) | |"
    yield "| --- | --- | --- | --- |"
    for target in [*targets(figures), *(runs_report.targets(runs) if runs else ())]:
        yield f"| {target.name} | {target.limit} | {target.measured.text(3)} | {'met' if target.met else '**not met**'} |"
    yield ""


def _tables(figures: Figures) -> Iterator[str]:
    for size in SIZES:
        for idempotent, clients in PRODUCING.items():
            yield from _table(figures, producing(size, idempotent=idempotent), clients)
    for size in SIZES:
        yield from _table(figures, reading(size), READING)
    yield f"## {WIDE}"
    yield ""
    yield "Ours writing 100 B values, idempotent, as fast as it goes, in the slices that it cuts by itself."
    yield ""
    yield "| partitions | CPU µs a record | records/s | ratio to one partition |"
    yield "| --- | --- | --- | --- |"
    for count in map(str, PARTITIONS):
        ratio = figures.ratio((WIDE, count), (WIDE, str(PARTITIONS[0])))
        yield f"| {count} | {figures.micros(WIDE, count).text()} | {_speed(figures, WIDE, count)} | {ratio.text()} |"
    yield ""


def _table(figures: Figures, series: str, clients: tuple[str, ...]) -> Iterator[str]:
    yield f"## {series}"
    yield ""
    yield "| client | CPU µs a record | records/s | peak RSS MiB | ours / this one |"
    yield "| --- | --- | --- | --- | --- |"
    for client in clients:
        ratio = figures.ratio((series, clients[0]), (series, client)).text() if client != clients[0] else ""
        peak = max(sample.peak for sample in figures.series[series][client]) >> 20
        speed = _speed(figures, series, client)
        yield f"| {NAMES[client]} | {figures.micros(series, client).text()} | {speed} | {peak} | {ratio} |"
    yield ""


def _speed(figures: Figures, series: str, client: str) -> str:
    if client.startswith("java"):
        return ""  # measured from outside: the wall time less that of a start says nothing where others work too
    return f"{median(sample.rate for sample in figures.series[series][client]) / 1e3:,.0f} k"


def _runs(runs: RunFigures | None) -> Iterator[str]:
    if runs:
        yield from runs_report.lines(runs)
    else:
        yield from ("## A whole run", "", "Not measured yet: `python -m benchmarks --only runs`.", "")


def _volume(result: VolumeResult | None) -> Iterator[str]:
    yield "## Volume: exact, and flat in memory"
    yield ""
    yield from result.lines() if result else ("Not measured yet: `python -m benchmarks.volume`.",)
    yield ""


def _thousand(result: ThousandResult | None) -> Iterator[str]:
    yield "## A thousand workers: what they cost the driver"
    yield ""
    yield from result.lines() if result else ("Not measured yet: `python -m benchmarks.thousand`.",)
    yield ""


def _losses(result: LossesResult | None) -> Iterator[str]:
    yield "## Lost workers and nodes"
    yield ""
    yield from result.lines() if result else ("Not measured yet: `python -m benchmarks.losses --save`.",)
    yield ""


def _interruptions(result: InterruptionsResult | None) -> Iterator[str]:
    yield "## Interrupted runs"
    yield ""
    yield from result.lines() if result else ("Not measured yet: `python -m benchmarks.interruptions --save`.",)
    yield ""


def _tail() -> Iterator[str]:
    yield "## How it is measured"
    yield ""
    yield "- Each client has a fresh process of its own; those of one table take turns, round by round. A ratio is taken within"
    yield "  each round, and the median of these is shown, so that a busy moment weighs on both sides."
    yield "- Six partitions, replication factor 1, acks=all, linger 5 ms, no compression, batches of up to 1 MB, no more than"
    yield "  20,000 records in flight in the Python clients; Java's is bounded by its default buffer of 32 MB. confluent-kafka"
    yield "  is given the very properties that our workers have."
    yield "- Start-up is taken away: Python clients measure themselves, ours from its first acknowledgement and confluent-kafka"
    yield "  from the end of a first batch, both to the last report; readers from making a second client of the same kind. From"
    yield "  Java's whole process a run of 6,000 records is subtracted; its just-in-time compiling is in the figure."
    yield "- The brokers share the cores with the client, so records/s says little about the client; CPU time does. Ours is"
    yield "  driven as a run drives it, with a collection of tallies ten times a second, which is in its figure."
    yield from runs_report.tail()
    yield ""
    yield "## Again"
    yield ""
    yield "    make bench                                  # everything, some minutes; rewrites this file"
    yield "    python -m benchmarks --only runs            # whole runs alone; clients: all but these"
    yield "    python -m benchmarks --repetitions 5 --scale 2   # more rounds, more records"
    yield "    python -m benchmarks --render               # only this file, out of results/"
    yield "    python -m benchmarks.thousand               # no Kafka is needed; --help tells what can be chosen"
    yield "    python -m benchmarks.volume --records 1000000    # a small volume; 100000000 by default"
    yield ""
    yield "What comes of a run that somebody disturbs, each told line by line:"
    yield ""
    yield "    python -m benchmarks.answers                # what a paced writer costs while its cluster is slow to answer"
    yield "    python -m benchmarks.losses --save          # workers and nodes are lost, or told to go: when all work again"
    yield "    python -m benchmarks.interruptions --save   # Ctrl-C, SIGTERM and SIGKILL at any moment: what is left"
    yield "    python -m benchmarks.soak --minutes 30      # a rotation whose nodes and controllers are killed; a scenario of it loses records"
