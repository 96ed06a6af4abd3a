"""``marathon try``: what this is, in a few minutes, on one local cluster: the bench checks itself, then the cluster."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from marathon_ray.catalogue import find
from marathon_ray.clusters import Opened, open_cluster
from marathon_ray.commands.check import board
from marathon_ray.commands.run import Options, bench, played, tell
from marathon_ray.fields import build
from marathon_ray.ground import Ground
from marathon_ray.names import Names, new_run
from marathon_ray.outcome import EXIT, Outcome
from marathon_ray.plant import PLANTS
from marathon_ray.running import HERE
from marathon_ray.scenario import Scenario

SHORT: Final[Mapping[str, tuple[str, ...]]] = {
    "steady-write": ("--warm=10 s", "--steady=15 s"),
    "kill-leader": ("--steady=8 s", "--down=15 s"),
}
_SEATS: Final = 6  # more than any of these scenarios has at once
_DEFAULTS: Final = Options()


def try_out(*, options: Options = _DEFAULTS) -> int:
    """See what this is, in a few minutes: planted errors, a steady load, and the death of a leader, each judged.

    All on one cluster, a local one unless another is named. `marathon check` plants the errors of transactions, too, which take
    longer. Exits with the first code that is not 0.
    """
    scenarios = [build(find(name), flags) for name, flags in SHORT.items()]
    opened = open_cluster(options.cluster)
    ground = Ground(on_ray=options.places != HERE, address=options.ray, seats=_SEATS)
    with ThreadPoolExecutor(1) as aside:
        ready = aside.submit(ground.connect)  # while the bench checks itself
        try:
            return _play(scenarios, opened, options, ready.result)
        finally:
            opened.release()
            ground.leave()


def _play(scenarios: list[Scenario], opened: Opened, options: Options, ready: Callable[[], None]) -> int:
    opened.acquire()
    shared = replace(opened, begin=_nothing, end=_nothing)
    names = Names(bench(options.bench), new_run())
    codes = [board(shared, names, options.results, plants=PLANTS, as_json=options.json)]
    for scenario in scenarios:
        if EXIT[Outcome.INTERRUPTED] in codes:
            break
        ready()
        report = played(scenario, options, cluster=shared)
        tell(report, options)
        codes.append(EXIT[report.outcome])
    return next((code for code in codes if code), 0)


def _nothing() -> None:
    """It is there before and after each run."""
