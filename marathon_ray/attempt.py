"""One attempt at a scenario on a cluster that is there: its phases, and the way out that every attempt takes."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from actors.near import Near, near, strange
from actors.spec import Auditors, Consumers, Producers, Transactors, WorkerSpec
from actors.target import Target, TopicPlace
from marathon_ray.accounts import Accounts
from marathon_ray.balance import Balance
from marathon_ray.blocking import blocking
from marathon_ray.deadline import in_time
from marathon_ray.declared import group_terms, ordinals_of, topic_terms
from marathon_ray.faults.injection import Injections
from marathon_ray.finding import Finding
from marathon_ray.fleet import Fleet
from marathon_ray.gathering import mourned
from marathon_ray.journal import Journal, Thing
from marathon_ray.kafka import admin
from marathon_ray.kafka.cluster import Cluster, KafkaError
from marathon_ray.kafka.comparison import ClusterState
from marathon_ray.kafka.connection import several
from marathon_ray.kafka.eyes import ClusterEyes
from marathon_ray.kafka.kept import Kept, kept
from marathon_ray.kafka.transacting import commits
from marathon_ray.names import Names
from marathon_ray.places.place import Places
from marathon_ray.planning import fleets_of, limit_of, too_late, workers_of
from marathon_ray.promises.promise import Ending, Promise, State, Verdict, verdict_of
from marathon_ray.reconcile import Limits
from marathon_ray.round import Doing, Phase, Round
from marathon_ray.rounds import BenchError, Rounds, Sink
from marathon_ray.scenario import Scenario
from marathon_ray.standing import standing
from marathon_ray.toolkit import Noting, Toolkit

V = TypeVar("V")
_WARM_SECONDS: Final = 30.0
_LEAVE_SECONDS: Final = 30.0
_GROUPS_SECONDS: Final = 60.0
_DRAIN_SECONDS: Final = 600.0
_ENDS_SECONDS: Final = 5.0
_AFTER_ALL_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where an attempt is made, and where it is written down; `clock` is when the run began, monotonic; `patience` the
    seconds within which a seat comes to life there."""

    cluster: Cluster
    places: Places
    journal: Journal
    note: Noting = lambda _: lambda: None
    clock: float = field(default_factory=time.monotonic)
    patience: float = Limits().start


class Attempt:
    """From the first topic to the last verdict. `seed` decides whatever is drawn."""

    def __init__(
        self, scenario: Scenario, names: Names, site: Site, *, seed: int, sinks: tuple[Sink, ...] = ()
    ) -> None:
        self.scenario, self.names, self.seed = scenario, names, seed
        self._site, self._cluster, self._journal, self._note = site, site.cluster, site.journal, site.note
        self._limits = Limits(start=site.patience)
        self.properties = site.cluster.client_properties()
        self.ordinals = ordinals_of(scenario.topics)
        self._topics = {names.of(field): topic for field, topic in scenario.topics.items()}
        topics = {field: names.of(field) for field in scenario.topics}
        groups = self._groups_of_fleets()
        copiers = {name: groups[name] for name, spec in scenario.fleets.items() if isinstance(spec, Transactors)}
        self.eyes = ClusterEyes(self.properties, topics | groups, copiers)
        self.promises: list[Promise] = list(scenario.promises())
        self._states: list[State] = []
        self._sinks = (self._fold, *sinks)
        self.rounds: Rounds | None = None
        self.kit: Toolkit | None = None
        self.injections: Injections | None = None
        self.findings: list[Finding] = []
        self._mourned: Counter[str] = Counter()  # how many lost workers were told of, by fleet
        self.kept: dict[str, Kept] = {}  # by topic's field
        self.near: Near | None = None
        self._played = self.drained = False
        self._ends_count = False  # the writers are retired: where a log is seen to end now, it does
        self.phases: list[tuple[Phase, float, float]] = []

    def begin(self) -> None:
        """Fold the promises from here on."""
        self._states = [one.begin(self.scenario.declared, self.ordinals) for one in self.promises]

    # --- The phases ---------------------------------------------------------------------------------------------------

    async def play(self) -> None:
        """All phases up to the end of the workload. Raises BenchError where it hangs."""
        await in_time(self._play(), "the scenario", within=limit_of(self.scenario))
        self._played = True

    async def _play(self) -> None:
        await self._create()
        kit = self.kit = self._kit()
        self._enter(Phase.PREPARE)
        await self.scenario.prepare(kit)
        async with asyncio.TaskGroup() as group:
            heart = group.create_task(self._rounds.run())
            await self._start_fleets()
            self._enter(Phase.WARMUP)
            await self.scenario.warmup(kit)
            self._enter(Phase.WORKLOAD)
            await self.scenario.workload(kit)
            heart.cancel()

    @property
    def _rounds(self) -> Rounds:
        if self.rounds is None:
            raise RuntimeError("no fleet was made yet")
        return self.rounds

    def _enter(self, phase: Phase) -> None:
        now = self._rounds.now
        self.phases.append((phase, now, now))
        self._rounds.phase = phase
        self._journal.write("phase", phase=phase)

    async def _create(self) -> None:
        for name in self._topics:
            self._journal.intend(Thing("topic", name))
        for group in map(self.names.of, self.groups):
            self._journal.intend(Thing("group", group))
        ids = await blocking(admin.create, self.properties, self._topics)
        state = await self._look()
        names = {field: self.names.of(field) for field in self.scenario.topics}
        self.kept = {
            field: kept(state.topics[name].settings) if name in state.topics else Kept()
            for field, name in names.items()
        }
        self._require_in_time()
        zones = await self._site.places.zones()
        self.near = near(zones, state.zones(), state.racks)
        if why := strange(zones, state.racks):
            self._note(why)
        self.accounts = Accounts(
            {
                self.ordinals[field]: topic_terms(
                    self.scenario, field, ids[self.names.of(field)], self.ordinals, kept=self.kept[field]
                )
                for field in self.scenario.topics
            },
            groups=group_terms(self.scenario, self.names),
        )
        self.rounds = Rounds(self._make_fleets(), self.accounts, self._sinks, began=self._site.clock)
        self.injections = Injections(
            self._cluster, self.eyes, self._journal, self.rounds.shades, lambda: self._rounds.now,
            suffers=tuple(self.scenario.suffers),
        )  # fmt: skip

    def _require_in_time(self) -> None:
        """What a scenario leaves to the cluster may be too short."""
        for name, spec in fleets_of(self.scenario).items():
            if isinstance(spec, Auditors):
                for why in (each for topic in spec.of for each in too_late(spec, topic, self.kept[topic].age)):
                    raise BenchError(f"{name}: {why} by the cluster's own settings")

    async def _look(self) -> ClusterState:
        """The topics as the cluster has them; where it does not say how long it keeps them, no record that is gone is
        excused."""
        try:
            return await blocking(admin.look, self.properties, self._topics)
        except KafkaError as error:
            self._note(f"the cluster does not say how long it keeps records: {error}")
            return ClusterState({}, {})

    @property
    def groups(self) -> list[str]:
        """As the scenario names them."""
        specs = self.scenario.fleets.values()
        return sorted({spec.group for spec in specs if isinstance(spec, Consumers | Transactors)})

    def _groups_of_fleets(self) -> dict[str, str]:
        """By the fleet's field, its group's name on the cluster."""
        specs = self.scenario.fleets.items()
        return {name: self.names.of(spec.group) for name, spec in specs if isinstance(spec, Consumers | Transactors)}

    def _make_fleets(self) -> dict[str, Fleet]:
        places = {
            name: TopicPlace(self.ordinals[field], self.scenario.topics[field].partitions)
            for field, name in zip(self.scenario.topics, self._topics, strict=True)
        }
        target = Target(secrets.randbits(32), self.properties, places)
        workers = workers_of(self.scenario)
        fleets = {
            name: Fleet(
                name,
                self.names.given(spec),
                workers=workers[name],
                places=self._site.places,
                target=target,
                run=f"{self.names.bench}-{self.names.run}",
            )
            for name, spec in fleets_of(self.scenario).items()
        }
        for fleet in fleets.values():
            fleet.limits = self._limits
            fleet.near = self.near
        return fleets

    def _kit(self) -> Toolkit:
        assert self.injections is not None  # noqa: S101 - made with the rounds
        return Toolkit(
            self._rounds, self.injections, eyes=self.eyes, ordinals=self.ordinals, seed=self.seed, note=self._note
        )

    async def _start_fleets(self) -> None:
        now = [fleet for fleet in self._rounds.fleets.values() if fleet.spec.starts == "now"]
        for fleet in now:
            fleet.start()
        await self._rounds.settle(now)
        await self._rounds.until(lambda: all(map(self._is_warm, now)), within=_WARM_SECONDS)

    def _is_warm(self, fleet: Fleet) -> bool:
        """Whether all of it answered in the last round, and it writes if it is there to write: what is compiled at the
        first record has been, and what connects has."""
        doing = self._rounds.last.fleets.get(fleet.name, Doing())
        writes = not isinstance(fleet.spec, Producers) or doing.counts.get("acknowledged", 0) > 0
        return doing.workers == doing.wanted > 0 and writes

    # --- The way out --------------------------------------------------------------------------------------------------

    async def heal(self) -> None:
        """No fault is on."""
        if self.injections:
            await self.injections.heal_all()

    async def drain(self) -> None:
        """The writers have ended, and both passes (and the groups) have come to the end of every log, or time is over."""
        self._enter(Phase.DRAIN)
        async with asyncio.TaskGroup() as group:
            heart = group.create_task(self._rounds.run())
            await self._retire(*((Producers,) if self._played else (Producers, Transactors)))
            late = await self._not_copied()
            await self._retire(Transactors)
            unread = await self._read_to_the_ends()
            heart.cancel()
        if left := [*(f"{name} did not copy to the end" for name in late), *unread]:
            raise BenchError(f"{several(left)} within {_DRAIN_SECONDS:g} s")

    async def _not_copied(self) -> list[str]:
        """The fleets that have not copied all that was written when their time is over. As long as they live they are waited
        for: what they left to nobody would pass for not copied."""
        copiers = [one for one in self._rounds.fleets.values() if isinstance(one.spec, Transactors) and one.works]
        late, deadline = [], time.monotonic() + _DRAIN_SECONDS
        for fleet in copiers if self._played else ():
            while not (done := await self._is_copied(fleet)) and time.monotonic() < deadline:
                await self._rounds.next(_ENDS_SECONDS)
            late += [] if done else [fleet.name]
            for topic in self.scenario.fleets[fleet.name].to if done else ():  # type: ignore[attr-defined]
                self.accounts.copied(self.ordinals[topic])
        return late

    async def _is_copied(self, fleet: Fleet) -> bool:
        """By the word of the cluster: one who was lost with its last commit told nobody of it."""
        ends = self._of(fleet, await self._ends())
        names = {ordinal: self.names.of(field) for field, ordinal in self.ordinals.items()}
        places = {place: (names[place[0]], place[1]) for place in ends}
        try:
            at = await blocking(commits, self.properties, fleet.spec.group, places.values())  # type: ignore[attr-defined]
        except KafkaError:  # nobody answers yet
            return False
        return all(at[places[place]] >= end for place, end in ends.items())

    async def _read_to_the_ends(self) -> list[str]:
        """What was not read when the time for it is over."""
        ends, told = await self._ends(), self._rounds.told
        readers = [fleet for fleet in self._rounds.fleets.values() if isinstance(fleet.spec, Consumers) and fleet.works]
        await self._rounds.until(
            lambda: all(told.beyond(one.spec.group, self._of(one, ends)) for one in readers),  # type: ignore[attr-defined]
            within=_GROUPS_SECONDS,
        )
        self._count_ends_anew()
        told.begin_drain()
        for fleet in self._rounds.fleets.values():
            if isinstance(fleet.spec, Auditors):
                fleet.set(fleet.spec.model_copy(update={"trailing": 0.0}))
        self._rounds.hurry()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while (unread := [*told.unread(ends, self.ordinals)]) and time.monotonic() < deadline:
            if not await self._rounds.until(partial(told.drained, ends), within=_ENDS_SECONDS):
                ends = await self._ends()  # a log may have been cut since
        self.drained = not unread
        await self._look_for_starts()
        return unread

    async def _look_for_starts(self) -> None:
        """What was read twice may be gone since, too."""
        for place, start in self._numbered(await blocking(admin.log_starts, self.properties, self._topics)).items():
            self.accounts.log_start(*place, offset=start, at=time.time_ns())

    def _numbered(self, found: Mapping[tuple[str, int], V]) -> dict[tuple[int, int], V]:
        """By topics' ordinals instead of their names."""
        ordinals = {self.names.of(field): self.ordinals[field] for field in self.scenario.topics}
        return {(ordinals[name], partition): value for (name, partition), value in found.items()}

    def _count_ends_anew(self) -> None:
        self._ends_count = True
        self.accounts.begin_drain()

    def _of(self, fleet: Fleet, ends: Mapping[tuple[int, int], int]) -> dict[tuple[int, int], int]:
        return {place: ends[place] for place in self._rounds.places(fleet.name)}

    async def _ends(self) -> dict[tuple[int, int], int]:
        """Where each log ends; also told to the accounts, with how far it is stable."""
        found = self._numbered(await blocking(admin.log_ends, self.properties, self._topics))
        for place, log in found.items():
            self.accounts.stable_end(*place, stable=log.stable, end=log.end, at=time.time_ns())
        return {place: log.end for place, log in found.items()}

    async def _retire(self, *kinds: type[WorkerSpec], within: float | None = None) -> None:
        fleets = [fleet for fleet in self._rounds.fleets.values() if isinstance(fleet.spec, kinds)]
        for fleet in fleets:
            fleet.retire()
        self._rounds.hurry()
        within = self._limits.retire if within is None else within
        if not await self._rounds.until(lambda: all(fleet.ended for fleet in fleets), within=within):
            self._note(f"some of {', '.join(fleet.name for fleet in fleets)} did not end in good order")

    async def leave(self) -> None:
        """All workers have ended in good order, or their time for it is over: what they knew is booked, and no group waits
        for a member that is gone."""
        async with asyncio.TaskGroup() as group:
            heart = group.create_task(self._rounds.run())
            await self._retire(WorkerSpec, within=_LEAVE_SECONDS)
            heart.cancel()

    async def after_all(self) -> None:
        """No worker lives any more; the scenario has cleaned up what it knows of, or its time for that is over; its topics are
        there still."""
        self._close_fleets()
        if self.kit:
            self._enter(Phase.CLEANUP)
            await in_time(self.scenario.cleanup(self.kit), "the scenario's cleanup", within=_AFTER_ALL_SECONDS)

    async def clean_up(self) -> None:
        """Nothing that was created is left on the cluster."""
        self._close_fleets()
        await blocking(admin.delete, self.properties, self._topics)
        for name in self._topics:
            self._journal.undone(Thing("topic", name))
        groups = [self.names.of(name) for name in self.groups]
        await blocking(admin.delete_groups, self.properties, groups)
        for group in groups:
            self._journal.undone(Thing("group", group))

    def _close_fleets(self) -> None:
        if self.rounds:
            for fleet in self._rounds.fleets.values():
                fleet.close()

    # --- What comes of it ---------------------------------------------------------------------------------------------

    async def finish(self) -> None:
        """All that is left is judged; nothing more is heard of any worker."""
        if not self._ends_count:  # cut short: writers went on behind every end that was seen
            self._count_ends_anew()
        self._rounds.finish()

    def _fold(self, round_: Round) -> None:
        self.findings = standing([*self.findings, *round_.settled.findings], round_.settled.withdrawn)
        self._states = [one.step(state, round_) for one, state in zip(self.promises, self._states, strict=True)]
        for name, losses in self._rounds.losses.items():
            if new := losses[self._mourned[name] :]:
                self._note(mourned(name, new))
                self._mourned[name] = len(losses)

    def verdicts(self) -> list[Verdict]:
        """By what was seen so far."""
        rounds = self._rounds
        tails = {name: tuple(loss.tail for loss in losses) for name, losses in rounds.losses.items()}
        ending = Ending(
            self.scenario.declared, self.ordinals, balance := rounds.accounts.balance(), tuple(rounds.shades),
            self.drained, tails, self.kept, dict(self._held(balance)),
        )  # fmt: skip
        promised = [verdict_of(one, state, ending) for one, state in zip(self.promises, self._states, strict=True)]
        return [*promised, *(self.kit.waits if self.kit else ())]

    def _held(self, balance: Balance) -> Iterator[tuple[str, float]]:
        """By topic, bytes that no partition can have exceeded, if no writer was lost."""
        for topic, ordinal in self.ordinals.items():
            writers = [
                one for one in self._rounds.fleets.values() if self.names.of(topic) in getattr(one.spec, "to", ())
            ]
            counts = [place.get("attempted", 0) for (number, _), place in balance.places.items() if number == ordinal]
            if not any(self._rounds.losses[one.name] for one in writers):
                yield topic, max(counts, default=0) * max((one.largest for one in writers), default=0)
