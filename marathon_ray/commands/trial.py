"""``marathon try``: what this is, in a few minutes, on one local cluster: the bench checks itself, then the cluster."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from marathon_ray.catalogue import find
from marathon_ray.clusters import open_cluster
from marathon_ray.commands.check import board
from marathon_ray.commands.run import Options, bench, played, tell
from marathon_ray.fields import build
from marathon_ray.names import Names, new_run
from marathon_ray.outcome import EXIT

SHORT: Final[Mapping[str, tuple[str, ...]]] = {
    "steady-write": ("--steady=20 s",),
    "kill-leader": ("--steady=15 s", "--down=20 s"),
}
_DEFAULTS: Final = Options()


def try_out(*, options: Options = _DEFAULTS) -> int:
    """See what this is, in a few minutes: planted errors, a steady load, and the death of a leader, each judged.

    All on one cluster, a local one unless another is named. Exits with the first code that is not 0.
    """
    scenarios = [build(find(name), flags) for name, flags in SHORT.items()]
    opened = open_cluster(options.cluster)
    try:
        cluster = opened.acquire()
        shared = replace(opened, ours=False, begin=_nothing, end=_nothing)
        codes = [board(cluster.client_properties(), Names(bench(options.bench), new_run()))]
        for scenario in scenarios:
            report = played(scenario, options, cluster=shared)
            tell(report, options)
            codes.append(EXIT[report.outcome])
    finally:
        opened.release()
    return next((code for code in codes if code), 0)


def _nothing() -> None:
    """It is there before and after each run."""
