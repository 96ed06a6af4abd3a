"""What is seen while a run goes on: news at once, the rest now and then, and one JSON object a round for programs."""

import io
import json

import numpy as np
from rich.console import Console

from marathon_ray.live import Json, Live, Plain, audience, lines, record
from marathon_ray.promises.promise import Verdict
from marathon_ray.round import ACKS, Doing, Phase, Round
from tests.marathon_ray.report import sample

ROUNDS = list(sample.rounds(130))
KEPT = Verdict("Integrity(orders)", "all is there", "0 lost", "passed", safety=True)
BROKEN = Verdict("Integrity(orders)", "all is there", "3 lost", "failed", safety=True)


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=160, force_terminal=terminal, color_system=None)


def told(out: Console) -> list[str]:
    assert isinstance(out.file, io.StringIO)
    return [line.strip() for line in out.file.getvalue().splitlines()]


def drawn(round_: Round, *verdicts: Verdict, unknown: int = 0) -> list[str]:
    out = console()
    out.print(lines("kill-leader", round_, verdicts, unknown=unknown))
    return told(out)


def test_the_picture_has_the_fleets_the_faults_and_the_promises() -> None:
    head, names, auditors, writers, readers, waiting, promise = drawn(ROUNDS[61], BROKEN, unknown=1104)
    assert head.split("   ") == ["kill-leader", "workload", "1 min 2 s", "fault kill leader"]
    assert names.split() == ["fleet", "workers", "offered", "acknowledged", "read", "p50", "p99"]
    assert auditors.split() == ["auditors", "1", "183k/s"]
    assert writers.split()[:4] == ["writers", "2", "100k/s", "61k/s"]
    assert readers.split()[:5] == ["readers", "1", "of", "2", "61k/s"]
    assert waiting.startswith("lag readers 241k")
    assert waiting.endswith("unknown 1,104")
    assert promise.split("   ") == ["broken", "Integrity(orders)", "3 lost"]


def test_rates_are_per_second_of_the_round() -> None:
    half = Round(10, 10.5, 0, Phase.WORKLOAD, {"w": Doing(1, 1, 500, {"acknowledged": 400})})
    assert drawn(half)[2].split() == ["w", "1", "1k/s", "800/s"]


def test_a_round_without_time_or_fleets_is_shown() -> None:
    assert drawn(Round(3, 3, 0, Phase.PREPARE))[0].startswith("kill-leader   prepare   3 s")
    assert drawn(Round(3, 3, 0, Phase.PREPARE, {"w": Doing()}))[2].split() == ["w", "0"]


def test_plain_lines_come_at_events_and_every_five_seconds() -> None:
    out = console()
    with Plain(out) as plain:
        for round_ in ROUNDS:
            plain.round(round_, [KEPT])
    texts = told(out)
    assert [line for line in texts if "writers" not in line] == [
        "1 s  phase prepare", "5 s  phase warmup", "11 s  phase workload",
        "1 min 1 s  fault kill leader is on", "2 min 1 s  fault kill leader is over",
    ]  # fmt: skip
    assert len([line for line in texts if "writers" in line]) == 27
    assert "unknown 416" in texts[-1]


def test_a_broken_promise_is_news_once() -> None:
    out = console()
    with Plain(out) as plain:
        for verdict in (KEPT, BROKEN, BROKEN):
            plain.round(ROUNDS[20], [verdict])
    assert [line for line in told(out) if "broken" in line] == ["21 s  broken: Integrity(orders): 3 lost"]


def test_a_note_is_told_as_it_is() -> None:
    out = console()
    with Plain(out) as plain:
        plain.note("[red]in sync[/red] again")
    assert told(out) == ["[red]in sync[/red] again"]


def test_programs_get_one_object_a_round() -> None:
    out = console()
    with Json(out) as program:
        program.round(ROUNDS[61], [BROKEN])
        program.note("healed")
    first, second = map(json.loads, told(out))
    assert first["fleets"]["writers"]["counts"]["acknowledged"] == 61_000
    assert first["fleets"]["readers"]["offered"] is None
    assert set(first["fleets"]["writers"]["latencies"]["response"]) == {"p50", "p99"}
    assert (first["promises"], first["faults"]) == ({"Integrity(orders)": "failed"}, ["kill leader"])
    assert second == {"note": "healed"}


def test_programs_are_told_when_acknowledgements_came_and_what_processors_did() -> None:
    table = np.array([(1, 0, 3 * 10**9, 4 * 10**9, 5), (1, 1, 2 * 10**9, 3 * 10**9, 5)], ACKS)
    told = record(Round(0, 1, 0, Phase.WORKLOAD, {"w": Doing(cpu=0.25)}, acks=table, cpu=0.5), [])
    assert told["acks"] == ["1970-01-01T00:00:02.000+00:00", "1970-01-01T00:00:04.000+00:00"]
    assert (told["cpu"], told["fleets"]["w"]["cpu"]) == (0.5, 0.25)
    assert record(Round(0, 1, 0, Phase.WORKLOAD), [])["acks"] == []


def test_a_terminal_is_drawn_four_times_a_second_at_most_and_left_as_it_was() -> None:
    out = console(terminal=True)
    with Live(out, "kill-leader") as live:
        for tenth in range(100):
            live.round(Round(tenth / 10, tenth / 10 + 0.1, 0, Phase.WORKLOAD), [])
    assert isinstance(out.file, io.StringIO)
    text = out.file.getvalue()
    assert 30 <= text.count("not yet audited") <= 41
    _, shown, after = text.partition("\x1b[?25h")
    assert shown, "the cursor is back"
    assert after.count("\x1b[1A\x1b[2K") == len(drawn(Round(0, 1, 0, Phase.WORKLOAD))), "all that was drawn is gone"


def test_the_audience_suits_where_it_is_written_to() -> None:
    assert isinstance(audience(console(terminal=True), "x"), Live)
    assert isinstance(audience(console(), "x"), Plain)
    assert isinstance(audience(console(terminal=True), "x", as_json=True), Json)
