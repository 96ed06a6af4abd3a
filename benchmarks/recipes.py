"""Plays each recipe of loss several times on a real Kafka, and prints the truth beside the verdict.

python -m benchmarks.recipes --times 3 --only "unclean election"
python -m benchmarks.recipes --kills 50
python -m benchmarks.recipes --seeds 20
"""

import argparse
import re
import time
from collections.abc import Iterator
from itertools import chain, count

from marathon_ray.finding import FindingKind
from marathon_ray.kafka.local import LocalKafka
from tests.on_kafka.recipes import chaos
from tests.on_kafka.recipes.deaths import COLLECT_SECONDS, RATE, Series, kill_producers
from tests.on_kafka.recipes.recipes import RECIPES, play
from tests.on_kafka.recipes.result import Result, Verdict, assert_exact

_WIDTHS = (50, 4, 13, 14, 24, 24, 7, 6, 8)
_HEADS = (
    "recipe",
    "run",
    "acknowledged",
    "lost by truth",
    "by live verdict",
    "by late verdict",
    "colour",
    "names",
    "took",
)
_numbers = count(1)


def main() -> None:
    """Print what the command line asks for."""
    asked = _asked()
    with LocalKafka(nodes=3) as kafka:
        if asked.kills:
            _tell_deaths(kill_producers(kafka, "kills", times=asked.kills, seed=asked.seed))
        elif asked.seeds:
            _print(_chaos(kafka, range(asked.seed, asked.seed + asked.seeds)))
        else:
            _print(_recipes(kafka, asked.times, asked.only))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=3, help="runs of each recipe")
    parser.add_argument("--only", choices=[recipe.name for recipe in RECIPES], help="this recipe alone")
    parser.add_argument("--kills", type=int, default=0, help="instead, kill so many producers with SIGKILL")
    parser.add_argument("--seeds", type=int, default=0, help="instead, so many runs in which all goes wrong at random")
    parser.add_argument("--seed", type=int, default=20, help="of the first random run")
    return parser.parse_args()


def _recipes(kafka: LocalKafka, times: int, only: str | None) -> Iterator[tuple[object, ...]]:
    for recipe in RECIPES:
        for run in range(1, times + 1) if only in {None, recipe.name} else ():
            began = time.monotonic()
            yield _row(recipe.name, run, play(recipe, kafka, _topic(recipe.name)), time.monotonic() - began)


def _chaos(kafka: LocalKafka, seeds: range) -> Iterator[tuple[object, ...]]:
    for seed in seeds:
        began = time.monotonic()
        result, done = chaos.run(kafka, _topic("chaos"), seed=seed, seconds=15, times=2)
        yield _row(", ".join(done), seed, result, time.monotonic() - began)


def _topic(name: str) -> str:
    return f"{re.sub('[^a-z0-9]+', '-', name.lower())}-{next(_numbers)}"


def _row(name: str, run: int, result: Result, seconds: float) -> tuple[object, ...]:
    amiss = [kind for kind in FindingKind if result.late.count(kind)]
    verdicts = [_lost(verdict) for verdict in (result.live, result.late)]
    colour = "red" if amiss else "green"
    return (
        name,
        run,
        len(result.acknowledged),
        len(result.lost),
        *verdicts,
        colour,
        _exact(result),
        f"{seconds:.1f} s",
    )


def _lost(verdict: Verdict) -> str:
    """The records that it names, and the offsets that it says were cut off when they had been judged."""
    cut = verdict.count(FindingKind.TRUNCATED_SETTLED)
    copies = verdict.count(FindingKind.DUPLICATED)
    return f"{len(verdict.lost)}" + (f" + {cut} cut" if cut else "") + (f", {copies} twice" if copies else "")


def _exact(result: Result) -> str:
    try:
        assert_exact(result)
    except AssertionError:
        return "WRONG"
    return "exact"


def _print(rows: Iterator[tuple[object, ...]]) -> None:
    for row in chain([_HEADS], rows):
        print("  ".join(str(cell)[:width].ljust(width) for cell, width in zip(row, _WIDTHS, strict=True)), flush=True)


def _tell_deaths(series: Series) -> None:
    false = sum(len(verdict.lost - series.result.lost) for verdict in (series.result.live, series.result.late))
    tails = [series.pending[death.client] + series.unheard[death.client] for death in series.deaths]
    beyond = sum(tail > death.bound for tail, death in zip(tails, series.deaths, strict=True))
    untold = sum(series.unheard[death.client] > death.tail.unheard for death in series.deaths)
    silences = sorted(death.silence for death in series.deaths)
    middle = len(tails) // 2
    print(
        f"{len(tails)} producers of {RATE} records/s killed, collected each {COLLECT_SECONDS} s: {false} false losses"
    )
    print(
        f"acknowledged {len(series.result.acknowledged)}, lost by truth {len(series.result.lost)}: {_exact(series.result)}"
    )
    print(f"silence before the kill {silences[middle]:.3f} s (median), {silences[-1]:.3f} s (longest)")
    print(f"unknown tail {sorted(tails)[middle]} records (median), {max(tails)} (largest), {sum(tails)} in all")
    print(
        f"of these attempted without an outcome {series.pending.total()}, in the log unheard of {series.unheard.total()}"
    )
    print(f"tails beyond what was due without what was reported: {beyond}; unheard beyond what bury() said: {untold}")


if __name__ == "__main__":
    main()
