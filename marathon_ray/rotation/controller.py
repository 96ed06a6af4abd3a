"""The endless rotation: takes the lease, undoes what a dead controller left, plays turn after turn, and obeys commands."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from marathon_ray import journal
from marathon_ray.audience import Audience, Nobody
from marathon_ray.blocking import blocking
from marathon_ray.catalogue import anywhere, find, title
from marathon_ray.clusters import open_cluster
from marathon_ray.event import Event, Sink
from marathon_ray.fields import build
from marathon_ray.journal import Entry, Journal
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.names import new_run
from marathon_ray.news import Kind, Origin, broken_by_then, event, given_up
from marathon_ray.outcome import Outcome
from marathon_ray.reclaim import reclaim
from marathon_ray.report.report import Report
from marathon_ray.rotation.dead import Dead, broke, dead, has_left
from marathon_ray.rotation.ended import Ended
from marathon_ray.rotation.finishing import finishing
from marathon_ray.rotation.lease import Lease, TakenError, me
from marathon_ray.rotation.leased import kept, lease_names
from marathon_ray.rotation.ledger import Standing, after, standing, took, words
from marathon_ray.rotation.plan import Plan
from marathon_ray.rotation.retry import Next, retry
from marathon_ray.rotation.timing import Begin, End, Wait, timing
from marathon_ray.rotation.turns import Turn, ends, turn
from marathon_ray.rotation.upgrades import Watch, upgrade
from marathon_ray.running import run
from marathon_ray.usage import UsageError, nearest

_NAP: Final = 30.0  # s after which a waiter looks at the clock again, which may have been set
_PAUSE: Final = 5.0  # s between looks at a lease that somebody else holds
_DEAD: Final = "leftovers of dead runs"
_DIED: Final = "its controller died"
_TIME: Final = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True, slots=True)
class Where:
    """Where a rotation keeps its results, where its workers live, and what relative paths in its plan are relative to."""

    results: Path
    places: str = "ray"
    ray: str | None = None
    nodes: str = "any"
    wait: bool = False  # for a lease that another one holds


@dataclass(slots=True)
class Controller:
    """One life of a rotation's driver. `sinks` take its events, `tell` hears the runs, each of `finished` is told how
    each attempt ended."""

    plan: Plan
    where: Where
    sinks: tuple[Sink, ...] = ()
    tell: Audience = field(default_factory=Nobody)
    finished: tuple[Callable[[Ended], None], ...] = ()
    office: Callable[[], AbstractAsyncContextManager[None]] = contextlib.nullcontext  # open while the rotation is ours
    revise: Callable[[Mapping[str, str]], Plan] | None = None  # the plan with fields changed by command
    watch: Watch = field(default_factory=Watch)  # for newer releases of Kafka
    owner: str = field(default_factory=me)
    standing: Standing = field(default_factory=Standing)
    doing: str = "starts"  # in a few words
    stopping: str = ""  # why it will end
    _journal: Journal | None = None
    _titles: dict[str, str] = field(default_factory=dict)  # by what the plan calls it
    _task: "asyncio.Task[Report] | None" = None
    _skipped: bool = False
    _unclean: bool = False  # a run has left something
    _poked: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> str:
        """Until it is stopped, or its budget is used up; returns why. Raises UsageError where it cannot begin."""
        async with self._held():
            if self.stopping:  # while it waited
                return self.stopping
            with self._written():
                async with self.office():
                    self._begin()
                    await self._reclaim()
                    while not self.stopping:
                        await self._step()
        return self.stopping

    # --- What must be had first ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _held(self) -> AsyncIterator[None]:
        """The leases are ours within: of the rotation, and of every cluster that is not made for a run."""
        folder = self.where.results / "leases"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"results {self.where.results}: {error.strerror}") from None
        leases = [Lease(folder, name, self.owner) for name in await lease_names(self.plan)]
        async with contextlib.AsyncExitStack() as stack:
            for lease in leases:  # the first ones are kept while another one is waited for
                await self._take(lease)
                stack.callback(lease.give_back)
                await stack.enter_async_context(kept(lease, self.stop))
            yield

    async def _take(self, lease: Lease) -> None:
        """It is ours, or we are stopped while another one holds it."""
        while not self.stopping:
            try:
                await asyncio.to_thread(lease.take)
            except TakenError as taken:
                if not self.where.wait:
                    raise UsageError(f"{taken}; --wait waits for it") from None
                self.doing = f"waits: {taken}"
                await self._rest(_PAUSE)
            else:
                return

    @contextmanager
    def _written(self) -> Iterator[None]:
        """The journal is open within. Who has something to tell after that is heard by sinks alone."""
        with Journal(self.path) as own:
            self._journal = own
            self._titles = {entry.run: title(entry.run) for entry in self.plan.scenarios}
            try:
                yield
            finally:
                self._journal = None

    @property
    def path(self) -> Path:
        """The journal of the rotation."""
        return self.where.results / f"rotation-{self.plan.bench}.jsonl"

    def _begin(self) -> None:
        """The rotation goes on where its journal ends; a run that a dead controller left was interrupted."""
        entries = list(journal.read(self.path))  # which is there, since ours is open
        self.standing = standing(entries)
        self._write("controller", owner=self.owner)
        self._change_again()
        if self.standing.running:
            attempt = next(entry for entry in reversed(entries) if entry["what"] == "attempt")
            self._bury(Turn.attempted(attempt), Outcome.INTERRUPTED, _DIED)
        if self.standing.outcomes:
            self._close(self._turn())

    def _change_again(self) -> None:
        """What was set by command stays set, but for what the plan of now does not allow any more."""
        kept: dict[str, str] = {}
        for name, text in dict(self.standing.changes).items():
            try:
                self.plan, kept = self._revised({**kept, name: text}), {**kept, name: text}
            except UsageError as error:
                self._write("set", field=name, value=None)
                self._tell(Kind.CHANGE_DROPPED, f"plan: {name}", f"{name} is as the plan says, and not {text}\n{error}")

    def _revised(self, changes: Mapping[str, str]) -> Plan:
        if self.revise is None:
            raise UsageError("this controller has no plan that can be changed")
        return self.revise(changes)

    def _bury(self, one: Turn, end: Outcome, why: str, **facts: Any) -> None:  # noqa: ANN401
        """An attempt that told of no end: its controller died, or it broke by itself. What is on the disk of it counts."""
        found = dead(self.where.results, self.standing.running) or Dead()
        self._unclean |= found.left
        if found.report:
            self._write("broke", run=found.run, why=why)  # behind its verdict, which counts
            self._finish(one, found.report)
            return
        end = Outcome.FAILED if found.broken else end
        for promise, what in found.broken.items():
            self.accept(broken_by_then(self._title(one), one.cluster, promise, f"{what}; then {why}", run=found.run))
        if end is Outcome.INVALID:
            name = f"{self._title(one)} on {one.cluster}"
            self._tell(Kind.RUN_INVALID, f"{name}: verdict", f"{name} cannot be run\n{why}")
        spent = {"run": "", "seconds": 0.0, "bytes": 0, "hours": {}, "money": {}, **found.facts, **facts}
        ended = Ended(
            self._title(one), one.cluster, end, spent["seconds"], hours=spent["hours"], money=spent["money"]
        )  # fmt: skip
        self._ended(ended, why, run=spent["run"], size=spent["bytes"])

    async def _reclaim(self) -> None:
        """What dead runs have left is undone: whoever holds the lease knows that no other controller lives."""
        self.doing = "reclaims what dead runs have left"
        told: list[str] = []
        try:
            count = await blocking(
                reclaim, self.where.results, open_cluster, told.append,
                dead=lambda begin: begin.get("bench") == self.plan.bench,
            )  # fmt: skip
        except KafkaError as error:
            self._tell(Kind.LEFTOVERS, _DEAD, f"runs have left something that cannot be undone now\n{error}")
            self._unclean = True
            return
        self._unclean = False
        if count:
            self._tell(Kind.RECLAIMED, _DEAD, f"{count} runs had left {len(told)} things, which are undone")
        self._tell(Kind.LEFTOVERS, _DEAD, "nothing is left of former runs", over=True)

    # --- The rotation -------------------------------------------------------------------------------------------------

    async def _step(self) -> None:
        self._poked.clear()
        match timing(self.plan, datetime.now(UTC), self.standing):
            case End(why):
                self._tell(Kind.ROTATION_ENDED, "rotation", f"the rotation has ended\n{why}")
                self.stop(why)
            case Wait(until, why):
                self.doing = f"waits: {why}" + (f", until {until.astimezone(UTC).strftime(_TIME)}" if until else "")
                rest = _NAP if until is None else min(_NAP, (until - datetime.now(UTC)).total_seconds())
                await self._rest(rest)
            case Begin() if self.watch.is_due(self.plan, self.standing):
                await self._look()
            case Begin():
                await self._attempt(self._turn())

    async def _rest(self, seconds: float) -> None:
        """So long at most: until somebody has said something."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.05, seconds)):
                await self._poked.wait()

    def _turn(self) -> Turn:
        return upgrade(self.plan, self.standing) or turn(self.plan, self.standing.number)

    async def _look(self) -> None:
        self.doing = "asks for newer releases of Kafka"
        found, events = await self.watch.look(self.plan, self.standing)
        for each in events:
            self.accept(each)
        for cluster, release in found.items():
            self._write("newer", cluster=cluster, release=release)

    async def _attempt(self, one: Turn) -> None:
        if self._unclean:
            await self._reclaim()
        self.doing = f"plays {one.scenario} on {one.cluster}, turn {one.number}{ends(one, datetime.now(UTC))}"
        self._skipped = False
        self._write("attempt", run=new_run(), **one.facts)
        self._task = asyncio.ensure_future(self._run(one))
        await asyncio.wait({self._task})
        task, self._task = self._task, None
        self._account(one, task)
        self._close(one)

    def _account(self, one: Turn, task: "asyncio.Task[Report]") -> None:
        """What came of it is written down and told, whatever it was."""
        if task.cancelled():
            why = self.stopping or "interrupted before it began"
            self._bury(one, Outcome.INTERRUPTED, why, seconds=took(self.standing))
        elif error := task.exception():
            self._bury(one, *broke(error), seconds=took(self.standing))
        else:
            self._finish(one, task.result())

    def _finish(self, one: Turn, report: Report) -> None:
        self._unclean |= has_left(self.where.results / f"{report.scenario}-{report.run}")
        for each in report.events:  # first: who dies in between tells it again, which is one incident
            self.accept(each)
        ended = Ended.told(report, one.cluster)
        self._ended(ended, report.cause, run=report.run, size=sum(report.bytes.values()))

    def _close(self, one: Turn) -> None:
        """The turn is over where nothing more shall come of it."""
        if news := finishing(self._title(one), self.standing.ends.get(one.scenario, ())):
            self.accept(news)
        decision = retry(self.standing.outcomes, self.plan.patience)
        if isinstance(decision, Next) or self._skipped:
            self._over(one)
        if isinstance(decision, Next) and decision.gave_up:
            self.accept(given_up(self._title(one), one.cluster, decision.gave_up))

    def _over(self, one: Turn) -> None:
        self._write("turn over", number=one.number, **({"upgraded": one.cluster} if one.release else {}))

    def _title(self, one: Turn) -> str:
        """As its reports say, so that all that is told of it is one incident: also when its file is gone."""
        return self._titles.setdefault(one.scenario, title(one.scenario))

    async def _run(self, one: Turn) -> Report:
        origin = Origin(anywhere(one.scenario), one.cluster, self.plan.clusters[one.cluster], one.fields)
        return await run(
            build(find(one.scenario), one.flags),
            cluster=self.plan.clusters[one.cluster], places=self.where.places, ray=self.where.ray,
            nodes=self.where.nodes, results=self.where.results, seed=one.seed, bench=self.plan.bench,
            run=self.standing.running, prices=self.plan.prices, origin=origin, tell=self.tell, signals=False,
        )  # fmt: skip

    # --- What a person may say ----------------------------------------------------------------------------------------

    def interrupt(self, why: str) -> str:
        """The run that goes on comes to its end early, and what it made is removed; its turn is tried again."""
        if self._task is None:
            return "no run goes on"
        self._end_run(why)
        return "the run heals, cleans up and ends: seconds, or a minute or two where a broker has to come back"

    def skip(self) -> str:
        """The turn is over, whatever has come of it."""
        number, self._skipped = self.standing.number, True
        if self._task is None:
            self._over(self._turn())
            self._poked.set()
        return f"turn {number} is over; {self.interrupt('skipped by command')}"

    def hold(self) -> str:
        """No further run begins until `release`."""
        self._write("hold")
        return f"no further run begins; what goes on comes to its end: {self.doing}" if self._task else "no run begins"

    def release(self) -> str:
        """Runs begin again."""
        self._write("release")
        self._poked.set()
        return "runs begin again as the plan says"

    def pause(self) -> str:
        """No further run begins, and the one that goes on is interrupted."""
        self.hold()
        return f"no further run begins; {self.interrupt('paused by command')}"

    def change(self, name: str, text: str | None) -> str:
        """That field of the plan is as given, in YAML, from the next run on; None: as the plan says. Raises UsageError of
        one line where it cannot be so; nothing is changed then."""
        changes = {field: value for field, value in self.standing.changes.items() if field != name}
        if text is None and len(changes) == len(self.standing.changes):
            raise UsageError(f"{name}: it was not set; {nearest(name, changes)}")
        self.plan = self._revised(changes if text is None else {**changes, name: text})
        self._write("set", field=name, value=text)
        self._poked.set()
        return f"from the next run on {name} is {'as the plan says' if text is None else text}"

    def status(self) -> str:
        """What goes on, and what there was, a line each."""
        held = "; held by command" if self.standing.held else ""
        return f"{self.doing}{held}\n{words(self.standing, datetime.now(UTC))}"

    def note_mute(self, until: datetime | None) -> None:
        """Nobody is to be told anything until then, whichever controller lives."""
        self._write("mute", until=until.isoformat() if until else None)

    def stop(self, why: str, *, again: bool = False) -> None:
        """The rotation ends, and the run that goes on is interrupted. Where each call counts (`again`, as signals do), the next
        one lets it only heal, and a third ends all at once."""
        self.stopping = self.stopping or why
        self._end_run(why, again=again)
        self._poked.set()

    def _end_run(self, why: str, *, again: bool = False) -> None:
        """What a second person says takes no time from a run that was told to end."""
        if self._task and (again or not self._task.cancelling()):
            self._task.cancel(why)

    # --- What is written down and told --------------------------------------------------------------------------------

    def accept(self, event: Event) -> None:
        """Whoever has something to tell, from whichever thread."""
        if own := self._journal:
            own.write("event", event=event.model_dump(mode="json"))
        for sink in self.sinks:
            sink.accept(event)

    def _tell(self, kind: Kind, about: str, message: str, *, over: bool = False) -> None:
        self.accept(event(kind, about, message, over=over))

    def _ended(self, one: Ended, cause: str, *, run: str, size: int) -> None:
        self._write(
            "ended", number=self.standing.number, outcome=one.outcome, cause=cause, run=run, seconds=one.seconds, bytes=size,
            hours=one.hours, money=one.money,
        )  # fmt: skip
        for tell in self.finished:
            tell(one)

    def _write(self, what: str, **facts: Any) -> None:  # noqa: ANN401
        if self._journal is None:
            raise RuntimeError("the rotation has not begun")
        self._journal.write(what, **facts)
        entry: Entry = {"what": what, "at": datetime.now(UTC).isoformat(), **facts}
        self.standing = after(self.standing, entry)
