"""What the accounts keep follows what is open and what went wrong, never how much was written."""

import os
from typing import Any

from actors.tally import Outcome, Tally
from marathon_ray.accounts import Accounts
from marathon_ray.terms import TopicTerms
from tests.model.parts import part

ROUNDS = 20_000 if os.environ.get("MARATHON_THOROUGH") else 400
STREAMS, STEP, TRAIL = 8, 1_000, 5
PLACES = [(0, partition) for partition in range(STREAMS)]


def found(place: tuple[int, int], round_: int, *, without: int | None = None) -> list[tuple[int, ...]]:
    """One round's records of a partition's only client; one of them may be missing."""
    low, high = round_ * STEP, (round_ + 1) * STEP - 1
    runs = [(low, high)] if without is None else [(low, without - 1), (without + 1, high)]
    return [(place[1] + 1, place[1], 0, 0, first, last, first, last, 0) for first, last in runs]


class Run:
    """Rounds of one healthy producer and both passes, the second trailing, losing a record every `loses` rounds."""

    def __init__(self, loses: int = 0) -> None:
        self.accounts = Accounts({0: TopicTerms(topic_id="t", partitions=STREAMS)})
        self.loses = loses
        self.rows: list[int] = []

    def missing(self, round_: int) -> int | None:
        return round_ * STEP + 500 if self.loses and round_ % self.loses == 0 else None

    def round(self, number: int) -> None:
        end = (number + 1) * STEP
        attempts = [(place[1] + 1, place[1], 0, end) for place in PLACES]
        acknowledged = Outcome.ACKNOWLEDGED
        claims = [
            (place[1] + 1, place[1], 0, acknowledged, number * STEP, end - 1, number * STEP, end - 1, 0, 0)
            for place in PLACES
        ]
        self.take("writer", number, attempts=attempts, claims=claims)
        self.read("first", number, number)
        if number >= TRAIL:
            self.read("second", number, number - TRAIL)
        self.accounts.settle()
        self.rows.append(self.accounts.rows)

    def read(self, reading: str, number: int, round_: int) -> None:
        without = self.missing(round_) if reading == "second" else None
        rows = [row for place in PLACES for row in found(place, round_, without=without)]
        positions = [(*place, (round_ + 1) * STEP, 1) for place in PLACES]
        version = number if reading == "first" else number - TRAIL
        self.take(reading, version, reading=reading, found=rows, positions=positions)

    def take(self, worker: str, version: int, **rows: Any) -> None:
        self.accounts.take(Tally(worker, (part(version + 1, **rows),)))


def test_rows_stay_flat_over_a_long_healthy_run() -> None:
    run = Run()
    for number in range(ROUNDS):
        run.round(number)
    settled = run.rows[2 * TRAIL :]
    assert max(settled) == min(settled) <= STREAMS * (TRAIL + 2)
    assert run.accounts.balance().total("found") == (ROUNDS - TRAIL) * STEP * STREAMS


def test_rows_grow_by_one_for_each_incident_and_by_nothing_else() -> None:
    loses = 50
    run = Run(loses)
    for number in range(ROUNDS):
        run.round(number)
    incidents = STREAMS * -(-(ROUNDS - TRAIL) // loses)
    assert run.accounts.balance().total("lost") == incidents
    assert run.rows[-1] <= STREAMS * (TRAIL + 2) + incidents
