"""Loses workers and whole Ray nodes, with notice and without, at random moments, and looks whether more than a tail is lost.

python -m benchmarks.losses --times 20
"""

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final, get_args

from benchmarks import machine, report
from benchmarks.losing import PATIENT, Kind, Lost, lose
from benchmarks.losses_result import LOSSES, Loss, LossesResult
from benchmarks.ray_nodes import RayNodes
from marathon_ray.kafka.local import LocalKafka

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_HEAD: Final = (
    "    lost   load noticed    back   rated   short  deaths moved unknown unheard acknowledged    found lost exact outcome  who; what was found\n"
    "                      s       s       s       s"
)


def row(number: int, one: Lost) -> str:
    """A line of the table."""
    total = one.report.total
    found = Counter(finding.kind.value for finding in one.report.findings)
    heard = [] if one.heard is None else [f"heard after {one.heard:.1f} s"]
    said = [
        ", ".join(seat.split("-", 3)[-1] for seat in one.victims),
        *heard,
        *(f"{n} {kind}" for kind, n in found.items()),
    ]
    return (
        f"{number:3} {one.kind:6} {one.load:4.0f} {_seconds(one.noticed)} {_seconds(one.back)} {_seconds(one.rated)} {_seconds(one.short)}  {one.deaths:3} of {len(one.victims)} {one.moved:5}"
        f" {total('unknown'):7} {one.unheard:7} {total('acknowledged'):12} {total('found'):8} {total('lost'):4}"
        f" {'yes' if one.exact else 'NO':5} {one.report.outcome:8} {'; '.join([*said, one.report.cause])}"
    )


def _seconds(value: float | None) -> str:
    return f"{'never' if value is None else f'{value:.1f}':>7}"


def _loss(one: Lost) -> Loss:
    attempted, unknown = one.report.total("attempted"), one.report.total("unknown")
    return Loss(
        one.kind, one.noticed, one.back, one.rated, one.deaths, one.moved, attempted, unknown, one.true, str(one.report.outcome),
        one.heard,
    )  # fmt: skip


def main() -> None:
    """Print each loss, and what came of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.losses", description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=_KINDS, help="lose only these, else all in turn")
    parser.add_argument("--results", type=Path, help="where the reports are left")
    parser.add_argument("--save", action="store_true", help="keep what came of it, and tell it in README.md")
    asked = parser.parse_args()
    draw, runs = random.Random(asked.seed), []
    with LocalKafka(nodes=3, properties=PATIENT) as kafka, RayNodes() as nodes, tempfile.TemporaryDirectory() as folder:
        about = machine.about(kafka.version(1))
        print(_HEAD, flush=True)
        for number in range(asked.times):
            kind = asked.kind or _KINDS[number % len(_KINDS)]
            results = asked.results or Path(folder)
            runs.append(lose(nodes, kafka, results, kind=kind, seed=draw.getrandbits(32)))
            print(row(number + 1, runs[-1]), flush=True)
            if runs[-1].report.cause == "SIGINT":
                break
    result = LossesResult(about, tuple(map(_loss, runs)))
    print(result.summary())
    if asked.save:
        result.save(LOSSES)
        report.write()


if __name__ == "__main__":
    main()
