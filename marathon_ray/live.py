"""What a person sees while a run goes on: lines that stand still on a terminal, plain lines elsewhere, or JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live as Screen
from rich.table import Table
from rich.text import Text

from actors.latency import percentile
from actors.tally import Counts
from marathon_ray.audience import Audience
from marathon_ray.promises.promise import Verdict
from marathon_ray.report.words import lasting, latency, number, short
from marathon_ray.round import Doing, Round

_EVERY: Final = 5.0  # seconds between plain lines while nothing happens
_DRAW: Final = 0.25  # seconds between drawings at least
_HEADLINE: Final = ("response", "end to end", "service")  # the first that was measured is shown
_DONE: Final = ("acknowledged", "read")
_SHARES: Final = {"p50": 0.5, "p99": 0.99}
_STATE: Final = {"passed": "kept so far", "failed": "broken", "undecided": "not seen yet"}
_STYLE: Final = {"passed": "green", "failed": "bold red", "undecided": "dim"}


class Listener(Audience, Protocol):
    """An audience that is there from `with` to its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def audience(console: Console, title: str, *, as_json: bool = False) -> Listener:
    """The one that suits where the console writes to."""
    if as_json:
        return Json(console)
    return Live(console, title) if console.is_terminal and not console.is_dumb_terminal else Plain(console)


def figures(doing: Doing, seconds: float) -> dict[str, str]:
    """What one fleet did in a round that took so long, in words, by name."""
    shown = {}
    if doing.offered > 0:
        shown["offered"] = f"{short(doing.offered / seconds)}/s"
    shown |= {name: f"{short(doing.counts[name] / seconds)}/s" for name in _DONE if name in doing.counts}
    return shown | {name: latency(us) for name, us in _percentiles(_headline(doing)).items()}


def _headline(doing: Doing) -> Counts | None:
    found = (doing.latencies[name] for name in _HEADLINE if name in doing.latencies and doing.latencies[name].any())
    return next(found, None)


def _percentiles(counts: Counts | None) -> dict[str, int]:
    """µs by name; empty where nothing was measured."""
    known = counts is not None and counts.any()
    return {name: percentile(counts, share) for name, share in _SHARES.items()} if known and counts is not None else {}


def line(round_: Round, unknown: int) -> str:
    """A round in one line; `unknown` outcomes were met so far."""
    seconds = max(round_.seconds, 1e-9)
    parts = [f"{lasting(round_.until):>10}", f"{round_.phase:<8}"]
    for fleet, doing in round_.fleets.items():
        told = " ".join(f"{name} {value}" for name, value in figures(doing, seconds).items())
        parts.append(f"{fleet} {_present(doing)}{' ' if told else ''}{told}")
    parts += [f"lag {name} {short(behind)}" for name, behind in round_.lag.items()]
    parts += [f"unknown {number(unknown)}"] if unknown else []
    parts += [f"fault {', '.join(round_.faults)}"] if round_.faults else []
    return "  ".join(parts)


def _present(doing: Doing) -> str:
    return str(doing.workers) if doing.workers == doing.wanted else f"{doing.workers} of {doing.wanted}"


def lines(title: str, round_: Round, verdicts: Sequence[Verdict], *, unknown: int = 0) -> RenderableType:
    """The whole picture: where the run is, what each fleet does, and the promises so far."""
    head = Table.grid(padding=(0, 3))
    faults = f"fault {', '.join(round_.faults)}" if round_.faults else ""
    head.add_row(Text(title, style="bold"), round_.phase, lasting(round_.until), Text(faults, style="bold red"))
    return Group(head, _fleets(round_), _waiting(round_, unknown), _promises(verdicts))


def _fleets(round_: Round) -> Table:
    told = {name: figures(doing, max(round_.seconds, 1e-9)) for name, doing in round_.fleets.items()}
    shown = [name for name in ("offered", *_DONE, *_SHARES) if any(name in each for each in told.values())]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in ("fleet", "workers", *shown):
        table.add_column(name, justify="left" if name == "fleet" else "right", no_wrap=True)
    for fleet, doing in round_.fleets.items():
        table.add_row(fleet, _present(doing), *(told[fleet].get(name, "") for name in shown))
    return table


def _waiting(round_: Round, unknown: int) -> Text:
    parts = [f"lag {name} {short(behind)}" for name, behind in round_.lag.items()]
    parts += [f"not yet audited {short(round_.unaudited)}", f"unknown {number(unknown)}"]
    return Text("   ".join(parts), style="dim", no_wrap=True, overflow="ellipsis")


def _promises(verdicts: Sequence[Verdict]) -> Table:
    table = Table.grid(padding=(0, 3))
    for verdict in verdicts:
        found = Text(verdict.found, no_wrap=True, overflow="ellipsis")
        table.add_row(Text(_STATE[verdict.state], style=_STYLE[verdict.state]), verdict.promise, found)
    return table


def events(before: Round | None, now: Round) -> Iterator[str]:
    """What has changed from one round to the next."""
    if before is None or before.phase != now.phase:
        yield f"phase {now.phase}"
    was = before.faults if before else ()
    yield from (f"fault {fault} is on" for fault in now.faults if fault not in was)
    yield from (f"fault {fault} is over" for fault in was if fault not in now.faults)


def broken(before: Mapping[str, str], verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Promises of safety that were not broken before; `before` has all states by name. The others may still be kept in
    the end: of a rate or a percentile a first round says little."""
    for verdict in verdicts:
        if verdict.safety and verdict.state == "failed" and before.get(verdict.promise) != "failed":
            yield f"broken: {verdict.promise}: {verdict.found}"


def record(round_: Round, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """A round for programs: counts are of the round, latencies in µs, `at` is its end, `cpu` are seconds of processes (the
    driver's, and a fleet's), `acks` says when the first and the last acknowledgement of the round came."""
    return {
        "at": _at(round_.at),
        "since": round(round_.since, 3), "until": round(round_.until, 3), "phase": str(round_.phase),
        "faults": list(round_.faults), "lag": dict(round_.lag), "unaudited": round_.unaudited,
        "acks": [_at(round_.acks["first"].min()), _at(round_.acks["last"].max())] if len(round_.acks) else [],
        "cpu": round(round_.cpu, 4),
        "fleets": {name: _doing(doing) for name, doing in round_.fleets.items()},
        "promises": {verdict.promise: verdict.state for verdict in verdicts},
    }  # fmt: skip


def _at(wall: int) -> str:
    return datetime.fromtimestamp(int(wall) / 1e9, UTC).isoformat(timespec="milliseconds")


def _doing(doing: Doing) -> dict[str, Any]:
    latencies = {name: _percentiles(counts) for name, counts in doing.latencies.items()}
    offered = None if doing.offered < 0 else doing.offered
    return {
        "workers": doing.workers, "wanted": doing.wanted, "offered": offered, "counts": dict(doing.counts),
        "latencies": latencies, "busiest": round(doing.busiest, 3), "cpu": round(doing.cpu, 3),
    }  # fmt: skip


class _Quiet:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to be done."""


class Json(_Quiet):
    """One JSON object a line: a round, or a note."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def round(self, round_: Round, verdicts: Sequence[Verdict]) -> None:
        """One line."""
        self._write(record(round_, verdicts))

    def note(self, text: str) -> None:
        """One line."""
        self._write({"note": text})

    def _write(self, value: Mapping[str, Any]) -> None:
        self._console.file.write(json.dumps(value, ensure_ascii=False) + "\n")
        self._console.file.flush()


class Story:
    """What has been told so far, so that only news is told."""

    def __init__(self) -> None:
        self.unknown = 0
        self._round: Round | None = None
        self._states: dict[str, str] = {}

    def news(self, round_: Round, verdicts: Sequence[Verdict]) -> list[str]:
        """What is new in this round."""
        self.unknown += sum(doing.counts.get("unknown", 0) for doing in round_.fleets.values())
        told = [*events(self._round, round_), *broken(self._states, verdicts)]
        self._round, self._states = round_, {verdict.promise: verdict.state for verdict in verdicts}
        return told


class Plain(_Quiet):
    """Plain lines: one at each event, and one every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console, self._story, self._told = console, Story(), -_EVERY

    def round(self, round_: Round, verdicts: Sequence[Verdict]) -> None:
        """Lines where there is something to say."""
        news = self._story.news(round_, verdicts)
        for text in news:
            self._print(f"{lasting(round_.until):>10}  {text}")
        if news or round_.until - self._told >= _EVERY:
            self._told = round_.until
            self._print(line(round_, self._story.unknown))

    def note(self, text: str) -> None:
        """One line."""
        self._print(f"{'':>10}  {text}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class Live:
    """Lines that stand still at the foot of a terminal; what is new goes by above them. They are gone at the end."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title, self._story, self._drawn = console, title, Story(), -_DRAW
        self._screen = Screen(console=console, auto_refresh=False, transient=True)

    def round(self, round_: Round, verdicts: Sequence[Verdict]) -> None:
        """Drawn anew, unless that was done a moment ago."""
        for text in self._story.news(round_, verdicts):
            self.note(f"{lasting(round_.until)}  {text}")
        if round_.until - self._drawn >= _DRAW:
            self._drawn = round_.until
            self._screen.update(lines(self._title, round_, verdicts, unknown=self._story.unknown), refresh=True)

    def note(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, markup=False, highlight=False, style="dim")

    def __enter__(self) -> Self:
        self._screen.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._screen.stop()
