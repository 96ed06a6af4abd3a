"""What is asked of a run, by a command line or by a program, checked before anything is made."""

from collections.abc import Collection, Mapping
from typing import Final

from marathon_ray.names import Names, new_run
from marathon_ray.news import Origin
from marathon_ray.prices import Prices
from marathon_ray.scenario import Scenario
from marathon_ray.usage import UsageError, nearest

PLACES: Final = ("ray", "here")
NODES: Final = ("any", "spot")


def check(scenario: object, options: Mapping[str, object], known: Collection[str]) -> None:
    """Raises UsageError on what is no scenario, on an option that there is not, and on a value that one does not take."""
    if not isinstance(scenario, Scenario):
        name = scenario.__name__ if isinstance(scenario, type) else repr(scenario)
        mended = f"write {name}()" if isinstance(scenario, type) else "write that of one, as KillLeader()"
        raise UsageError(f"scenario {name}: that is no instance of a scenario: {mended}")
    for option in options:
        if option not in known:
            raise UsageError(f"option {option} is not known; {nearest(option, known)}")
    for option, words in (("places", PLACES), ("nodes", NODES)):
        if (word := options.get(option, words[0])) not in words:
            raise UsageError(f"{option} {word!r} is not known; {nearest(str(word), words)}")
    if options.get("places") == "here" and options.get("nodes", NODES[0]) != NODES[0]:
        raise UsageError("nodes: workers in this process have none to choose; leave --places here out, or --nodes")
    if not isinstance(prices := options.get("prices", Prices()), Prices):
        raise UsageError(f"prices {prices!r}: they are marathon_ray.prices.Prices")
    if not isinstance(origin := options.get("origin", Origin("", "")), Origin):
        raise UsageError(f"origin {origin!r}: it is a marathon_ray.news.Origin")
    seed = options.get("seed")
    if seed is not None and not isinstance(seed, int):
        raise UsageError(f"seed {seed!r}: it is an integer, or None")


def names_of(bench: str, run: str | None = None) -> Names:
    """For one run, a new one where none is named. Raises UsageError where the bench's or the run's name may not be part of
    them."""
    try:
        return Names(bench, new_run() if run is None else run)
    except ValueError as error:
        raise UsageError(str(error)) from None
