"""Every mistake of a plan, with its line, before anything is taken or made."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from marathon_ray.catalogue import find, title
from marathon_ray.clusters import FILES, open_cluster
from marathon_ray.fields import build
from marathon_ray.kafka.cluster import CanUpgrade, KafkaError
from marathon_ray.planning import mistakes
from marathon_ray.rotation.changing import Place, changed
from marathon_ray.rotation.marked import Marked
from marathon_ray.rotation.plan import Plan
from marathon_ray.rotation.quantity import Choice
from marathon_ray.rotation.sifting import ANY, Mistake, sift
from marathon_ray.rotation.upgrades import SCENARIO
from marathon_ray.scenario import Scenario
from marathon_ray.usage import UsageError, nearest

_RUNS: Final[Place] = ("scenarios", ANY, "run")


def read(path: Path, *, refuse: Callable[[str], str | None]) -> Plan:
    """The plan in that file. `refuse` says why an alert cannot go to an address, or None where it can.

    Raises UsageError with all mistakes, a line each: the file, the line in it, the place, and what is wrong.
    """
    return Draft(path, refuse).plan()


class Draft:
    """What stands in a file, to be a plan as it is, or with fields changed by command."""

    def __init__(self, path: Path, refuse: Callable[[str], str | None]) -> None:
        self._path, self._refuse, self._marked = path, refuse, Marked(path)

    def plan(self, unusable: Callable[[Plan], Iterable[Mistake]] = lambda _: ()) -> Plan:
        """`unusable` says what else of a plan cannot be had here. Raises UsageError as `read` does."""
        plan, found = self._checked(self._marked.content, unusable)
        if plan:
            return plan
        lines = sorted({(self._marked.line(one.place), _line(self._path, self._marked, one)) for one in found})
        raise UsageError("\n".join(line for _, line in lines))

    def revised(self, changes: Mapping[str, str]) -> Plan:
        """The plan with these fields as given, in YAML. Raises UsageError of one line that names the place."""
        plan, found = self._checked(changed(self._marked.content, changes), lambda _: ())
        if plan:
            return plan
        raise UsageError("; ".join(dict.fromkeys(f"{_dotted(one.place)}: {one.what}" for one in found)))

    def _checked(
        self, content: Mapping[str, Any], unusable: Callable[[Plan], Iterable[Mistake]]
    ) -> tuple[Plan | None, list[Mistake]]:
        sifted = sift(content)
        clusters = {name: _beside(self._path, text) for name, text in sifted.plan.clusters.items()}
        plan = sifted.plan.model_copy(update={"clusters": clusters})
        in_rest = [
            *_of_clusters(plan),
            *_of_scenarios(plan),
            *_of_upgrades(plan),
            *_of_money(plan),
            *_of_known(plan),
            *_of_alerts(plan, self._path, self._refuse),
            *unusable(plan),
        ]
        found = sifted.told(in_rest)
        return (None if found else plan), found


def _beside(path: Path, cluster: str) -> str:
    """What a plan calls a file is seen from where the plan is."""
    return str((path.parent / cluster).absolute()) if cluster.endswith(FILES) else cluster


def _line(path: Path, marked: Marked, mistake: Mistake) -> str:
    where = _dotted(mistake.place)
    return f"{path}, line {marked.line(mistake.place)}: {where}{': ' if where else ''}{mistake.what}"


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))


def _of_clusters(plan: Plan) -> Iterator[Mistake]:
    for name, text in plan.clusters.items():
        try:
            open_cluster(text)
        except KafkaError as error:
            yield Mistake(("clusters", name), str(error))


def _of_scenarios(plan: Plan) -> Iterator[Mistake]:
    for number, entry in enumerate(plan.scenarios):
        place: Place = ("scenarios", number)
        for cluster in entry.clusters:
            if cluster not in plan.clusters:
                yield _unknown(cluster, plan, (*place, "clusters"))
        try:
            scenario = find(entry.run)
        except UsageError as error:
            yield Mistake((*place, "run"), str(error).splitlines()[0])
            continue
        yield from _of_fields(entry.fields, scenario, place)


def _unknown(cluster: str, plan: Plan, place: Place) -> Mistake:
    what = f"cluster {cluster} is not known; {nearest(cluster, plan.clusters)}"
    return Mistake(place, what, (("clusters", cluster),))


def _of_upgrades(plan: Plan) -> Iterator[Mistake]:
    if (upgrades := plan.upgrades) is None:
        return
    place: Place = ("upgrades", "clusters")
    for cluster in upgrades.clusters:
        if cluster not in plan.clusters:
            yield _unknown(cluster, plan, place)
        elif not _can_be_upgraded(plan.clusters[cluster]):
            yield Mistake(
                place, f"cluster {cluster} cannot be upgraded: only a local one can, if its file does not forbid it"
            )
    if not upgrades.clusters and not any(map(_can_be_upgraded, plan.clusters.values())):
        yield Mistake(("upgrades",), "no cluster of this plan can be upgraded: only a local one can", (("clusters",),))
    if "to" in upgrades.fields:
        yield Mistake(("upgrades", "fields", "to"), "it is the release that is found")
    yield from _of_fields(upgrades.fields, find(SCENARIO), ("upgrades",))


def _can_be_upgraded(cluster: str) -> bool:
    """Also of one that cannot be opened: that is another mistake."""
    try:
        return isinstance(open_cluster(cluster).cluster, CanUpgrade)
    except KafkaError:
        return True


def _of_fields(fields: Mapping[str, Choice], scenario: type[Scenario], place: Place) -> Iterator[Mistake]:
    """Each field by itself at all its values, or both its ends, and all of them together at their first ones."""
    wrong = False
    for name, choice in fields.items():
        for value in choice.ends():
            try:
                build(scenario, [f"--{name}={value}"])
            except UsageError as error:
                wrong = True
                yield from (Mistake((*place, "fields", name), what) for what in str(error).splitlines())
    if wrong:
        return
    for end in (0, -1):
        flags = [f"--{name}={choice.ends()[end]}" for name, choice in fields.items()]
        try:
            found = mistakes(build(scenario, flags))
        except UsageError as error:
            found = str(error).splitlines()
        if found:
            where = (*place, "fields")
            yield from (Mistake(where if fields else place, what, (where,)) for what in found)
            return


def _of_money(plan: Plan) -> Iterator[Mistake]:
    currencies = {price.currency for price in plan.prices.given()}
    if len(currencies) > 1:
        yield Mistake(
            ("prices",), f"prices in {' and '.join(sorted(currencies))}: they cannot be summed up, use one currency"
        )
    wanted = plan.budget.money
    if wanted and not currencies:
        what = f"{wanted} cannot be watched: no price is given under prices"
        yield Mistake(("budget", "money"), what, (("prices",),))
    elif wanted and wanted.currency not in currencies:
        yield Mistake(("budget", "money"), f"{wanted}, but the prices are in {', '.join(sorted(currencies))}")


def _of_known(plan: Plan) -> Iterator[Mistake]:
    scenarios = {*(title(entry.run) for entry in plan.scenarios), *([SCENARIO] if plan.upgrades else [])}
    for number, known in enumerate(plan.known):
        if known.scenario not in scenarios:
            what = f"scenario {known.scenario} is not in this plan; {nearest(known.scenario, scenarios)}"
            by = (_RUNS, ("upgrades",)) if known.scenario == SCENARIO else (_RUNS,)
            yield Mistake(("known", number, "scenario"), what, by)
        if known.cluster is not None and known.cluster not in plan.clusters:
            yield _unknown(known.cluster, plan, ("known", number, "cluster"))


def _of_alerts(plan: Plan, path: Path, refuse: Callable[[str], str | None]) -> Iterator[Mistake]:
    for number, alert in enumerate(plan.alerts):
        try:
            address = alert.to if isinstance(alert.to, str) else alert.to.resolved(path.parent)
        except KafkaError as error:
            yield Mistake(("alerts", number, "to"), str(error))
            continue
        if why := refuse(address):
            yield Mistake(("alerts", number, "to"), why)
