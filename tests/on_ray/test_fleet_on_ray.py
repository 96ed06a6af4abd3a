"""Fleets whose workers are actors: what is lost is missed by its call, buried and replaced, and no record goes uncounted."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from marathon_ray.fleet import Fleet
from marathon_ray.places.on_ray import OnRay
from marathon_ray.reconcile import Limits
from tests.fleeting import Crew
from tests.mock_kafka import PARTITIONS, MockKafka

pytestmark = pytest.mark.on_ray
_topics = count()
PATIENT = Limits(silent=30.0, young=30.0)  # a busy machine is no hung one


@pytest.fixture
def crew(mock_kafka: MockKafka, on_ray: Callable[..., OnRay]) -> Iterator[Crew]:
    crew = Crew(mock_kafka.properties, {mock_kafka.topic(f"on-ray-{next(_topics)}"): PARTITIONS}, on_ray())
    crew.run = f"r{next(_topics)}"
    yield crew
    crew.close()


def start(crew: Crew, writers: int) -> Fleet:
    """So many writers load, under audit."""
    fleet = crew.writers(writers)
    crew.auditors()
    for one in crew.fleets.values():
        one.limits = PATIENT
    crew.settle()
    crew.write(1000)
    return fleet


def pid(fleet: Fleet, seat: str) -> int:
    host = fleet._seats[seat].host
    assert host is not None
    return host.pid


def conserve(crew: Crew) -> None:
    """Every record is in one place, none is lost, and what is unknown is what the lost worker left."""
    balance = crew.finish()
    assert not balance.faults()
    assert balance.total("pending") == balance.total("lost") == balance.total("unaudited") == 0
    assert balance.total("found") == balance.total("acknowledged") == crew.acknowledged
    assert balance.total("unknown") == sum(tail.pending for tail in crew.tails())
    assert crew.findings == []


def test_a_fleet_of_actors_writes_and_is_audited(crew: Crew) -> None:
    fleet = start(crew, writers=2)
    pids = {seat.host.pid for seat in fleet._seats.values() if seat.host}
    assert len(pids) == 2
    assert os.getpid() not in pids
    conserve(crew)
    assert crew.losses == []


def test_a_killed_actor_is_buried_and_replaced_and_every_record_stays_accounted_for(crew: Crew) -> None:
    fleet = start(crew, writers=2)
    first = next(iter(fleet._seats))
    os.kill(pid(fleet, first), signal.SIGKILL)
    crew.until(lambda: len(crew.losses) == 1)
    (loss,) = crew.losses
    assert (loss.seat, loss.announced) == (first, False)
    assert loss.why.split(":")[0] in ("ActorUnavailableError", "ActorDiedError")
    assert first not in fleet._seats
    crew.settle()
    crew.write(1000)
    conserve(crew)
    assert len(crew.losses) == 1


def test_a_frozen_actor_loses_only_itself(crew: Crew) -> None:
    fleet = start(crew, writers=2)
    first, second = fleet._seats
    frozen = pid(fleet, first)
    os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()
    crew.turn()
    crew.turn()
    assert time.monotonic() - began < PATIENT.silent  # nobody waits for it longer than for an answer
    assert crew.newest["writers"].doing.workers == 1
    assert crew.newest["writers"].doing.counts["acknowledged"] > 0
    fleet.limits = Limits(silent=0.5, young=0.5)
    crew.until(lambda: len(crew.losses) == 1)
    fleet.limits = PATIENT
    assert crew.losses[0].seat == first
    crew.settle()
    assert second in fleet._seats
    conserve(crew)


def test_an_actor_for_which_there_is_no_room_is_told_at_the_start_deadline(
    mock_kafka: MockKafka, on_ray: Callable[..., OnRay]
) -> None:
    crew = Crew(mock_kafka.properties, {mock_kafka.topic("no-room"): PARTITIONS}, on_ray(cpus=1000.0))
    fleet = crew.writers(3)
    fleet.limits = Limits(within=0.1, start=0.5)
    crew.until(lambda: bool(crew.newest) and crew.newest["writers"].trouble is not None)
    said = "fleet writers: 3 of its 3 workers have not come to life within 0.5 s: each needs 1000 CPU, the Ray cluster has "
    trouble = crew.newest["writers"].trouble
    assert trouble
    assert trouble.what.startswith(said)
    assert trouble.no_room
    crew.close()
