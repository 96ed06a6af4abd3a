"""The part of README.md about whole runs: tables, and targets met or not."""

from collections.abc import Iterator
from statistics import median
from typing import Final

from benchmarks.figures import Target
from benchmarks.runs import PACED, PACES, PEERS, PLANE, WORKING, RunFigures

_ROWS: Final = {
    "run": "**a whole run**: `marathon run` on Ray, one writer, one auditor",
    **{f"run, {name}": f"- {name}" for name in WORKING},
    "plane": "the data plane alone: our producer, our auditor",
    **dict(zip(PLANE, ("- producer", "- auditor, reads every record **twice**"), strict=True)),
    "peers": "confluent-kafka, which checks nothing",
    **dict(zip(PEERS, ("- `produce_batch()` + callback", "- `consume(10000)`, reads once"), strict=True)),
    "Ray itself": "Ray's own processes, beside the run and not in it",
}
_FIRST: Final = {"paced": "two workers", "eight": "eight workers"}


def targets(figures: RunFigures) -> list[Target]:
    """All targets of whole runs, in the report's order."""
    made = [
        Target(f"run {pace}: whole / data plane alone", 1.3, figures.spread(f"{pace}: run / plane")) for pace in PACES
    ]
    made.append(Target("driver of eight workers, % of a core", 3.0, figures.spread("eight: driver, share")))
    made.append(Target("idle seat: RSS, MB", 200.0, figures.spread("idle seat: RSS")))
    for name, workers in _FIRST.items():
        spread = figures.spread(f"{name}: first record")
        made.append(Target(f"{workers}: first acknowledged record after the command, s", 8.0, spread))
    return made


def lines(figures: RunFigures) -> Iterator[str]:
    """The part itself."""
    yield "## A whole run"
    yield ""
    yield f"100 B values, idempotent, six partitions; paced is {PACED:,} records/s. On"
    yield f"{figures.about.get('date', 'an unknown date')}, load average before the measurements: {_loads(figures)}."
    yield ""
    yield f"| CPU µs a record | {' | '.join(PACES)} |"
    yield f"| --- {'| --- ' * len(PACES)}|"
    for name, words in _ROWS.items():
        yield f"| {words} | {' | '.join(figures.spread(f'{pace}: {name}').text() for pace in PACES)} |"
    for name, words in {"run / plane": "whole run / data plane", "run / peers": "whole run / confluent-kafka"}.items():
        yield f"| {words} | {' | '.join(figures.spread(f'{pace}: {name}').text() for pace in PACES)} |"
    yield ""
    yield f"| three writers, two readers, three auditors; {PACED:,} records/s in twelve partitions | % of a core |"
    yield "| --- | --- |"
    for name in ("driver", "writers", "readers", "auditors", "Ray itself"):
        yield f"| {name} | {figures.spread(f'eight: {name}, share').text(1)} |"
    yield ""
    yield "| | |"
    yield "| --- | --- |"
    for name in ("RSS", "PSS"):
        yield f"| a seat without an order, {name}, MB (the largest of four) | {figures.spread(f'idle seat: {name}').text(0)} |"
    yield f"| a seat at work, RSS, MB (the largest of eight) | {figures.spread('working seat: RSS').text(0)} |"
    for name, workers in _FIRST.items():
        yield f"| first acknowledged record, {workers}, s | {figures.spread(f'{name}: first record').text(1)} |"
        yield f"| the machine's processors in use until then, % | {figures.spread(f'{name}: busy until it').text(0)} |"
    yield ""


def tail() -> Iterator[str]:
    """How all that is measured."""
    yield "- A whole run is the command, on the same brokers and on a Ray (`ray start --head`) that runs already. Driver and"
    yield "  workers tell their CPU time round by round (`--json`); what is counted is the workload but its first round. The"
    yield "  data plane alone and confluent-kafka work for the same time with a process for each side, both at once; ours is"
    yield "  collected from once a second there, as in a run. What is written costs by what was written, what is read by what"
    yield "  was read: unlimited, readers may fall behind. The auditor's second pass is 2 s behind its first."
    yield "- Paced, our producer looks at its schedule every 2 ms and the peer's every 5 ms: most of what it costs more goes into"
    yield "  smaller batches. What a whole run adds must be seen beside that."
    yield "- Ray's own processes are those of the head (its dashboard, too), and workers that it keeps for later; by the kernel."
    yield "- The first acknowledged record: from the moment when the process is started, by the writer's clock, to the"
    yield "  millisecond."


def _loads(figures: RunFigures) -> str:
    return f"{min(figures.loads):.1f} to {max(figures.loads):.1f}, median {median(figures.loads):.1f}"
