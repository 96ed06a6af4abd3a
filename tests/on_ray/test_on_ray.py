"""Seats on a real Ray: they live, hang and die alone, and what became of them is told at the next ask."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import ray

from actors import shell as shells
from actors.order import Answer, Ask
from marathon_ray.places.on_ray import OnRay, Seat
from marathon_ray.places.place import Broken, Reply, Silent

pytestmark = pytest.mark.on_ray
_SECONDS = 60.0


@pytest.fixture
def places(on_ray: Callable[..., OnRay]) -> OnRay:
    return on_ray()


def until(places: OnRay, seat: str, kind: type[Reply]) -> Any:
    """Ask until the reply is of that kind."""
    deadline = time.monotonic() + _SECONDS
    while not isinstance(reply := asyncio.run(places.ask({seat: Ask()}, within=1.0))[seat], kind):
        assert time.monotonic() < deadline, f"{seat}: {reply}"
    return reply


@pytest.fixture
def stopped() -> Iterator[Callable[[int], None]]:
    """Freeze a process until the test is over."""
    pids: list[int] = []

    def stop(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        pids.append(pid)

    yield stop
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_seat_lives_in_a_process_of_its_own_and_says_where(places: OnRay) -> None:
    places.open("m-where-1")
    places.open("m-where-2")
    one, two = until(places, "m-where-1", Answer), until(places, "m-where-2", Answer)
    (node,) = ray.nodes()  # type: ignore[no-untyped-call]
    assert (one.host.node, one.host.address) == (node["NodeID"], node["NodeManagerAddress"])
    assert one.host.labels["ray.io/node-id"] == node["NodeID"]
    assert len({one.host.pid, two.host.pid, os.getpid()}) == 3
    assert one.incarnation != two.incarnation


def test_a_seats_name_is_its_actors(places: OnRay) -> None:
    places.open("m-named-1")
    answer = until(places, "m-named-1", Answer)
    named: Any = ray.get(ray.get_actor("m-named-1").ask.remote(Ask()), timeout=_SECONDS)
    assert named.incarnation == answer.incarnation


def test_the_shell_travels_by_its_name_and_not_by_its_text() -> None:
    wrapped: Any = Seat
    travels: bytes = ray.cloudpickle.dumps(wrapped.__ray_metadata__.modified_class)  # type: ignore[no-untyped-call]
    assert b"RayShell" in travels
    assert b"nothing can be ordered for" not in travels  # words of its code: those of docstrings do travel
    assert b"nothing can be ordered for" in Path(shells.__file__).read_bytes()


def test_a_killed_process_breaks_its_call_and_comes_back_as_another_life(places: OnRay) -> None:
    places.open("m-killed-1")
    before = until(places, "m-killed-1", Answer)
    os.kill(before.host.pid, signal.SIGKILL)
    broken = until(places, "m-killed-1", Broken)
    assert broken.why.split(":")[0] in ("ActorUnavailableError", "ActorDiedError")
    assert not broken.preempted
    after = until(places, "m-killed-1", Answer)
    assert after.incarnation != before.incarnation


def test_what_ray_says_of_a_death_is_not_printed_among_what_a_program_says(
    ray_here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"lines": ["A worker died or was killed"], "pid": "raylet", "is_err": False}
    ray._private.worker.print_to_stdstream(said, ignore_prefix=False)
    assert capsys.readouterr() == ("", "")


def test_a_seat_that_hangs_is_silent_and_the_others_answer(places: OnRay, stopped: Callable[[int], None]) -> None:
    names = ["m-hung-1", "m-hung-2", "m-hung-3"]
    for name in names:
        places.open(name)
    pids = {name: until(places, name, Answer).host.pid for name in names}
    stopped(pids["m-hung-2"])
    asks = dict.fromkeys(names, Ask())
    for _ in range(2):
        replies = asyncio.run(places.ask(asks, within=1.0))
        assert [type(replies[name]) for name in names] == [Answer, Silent, Answer]


def test_the_answer_of_one_that_hung_comes_late(places: OnRay) -> None:
    places.open("m-late-1")
    pid = until(places, "m-late-1", Answer).host.pid
    os.kill(pid, signal.SIGSTOP)
    assert isinstance(asyncio.run(places.ask({"m-late-1": Ask()}, within=0.2))["m-late-1"], Silent)
    os.kill(pid, signal.SIGCONT)
    assert until(places, "m-late-1", Answer).host.pid == pid


def test_an_error_of_the_shell_breaks_the_call_and_is_named(places: OnRay) -> None:
    places.open("m-error-1")
    until(places, "m-error-1", Answer)
    reply = asyncio.run(places.ask({"m-error-1": "no ask"}, within=_SECONDS))["m-error-1"]  # type: ignore[dict-item]
    assert isinstance(reply, Broken)
    assert "AttributeError" in reply.why


def test_a_closed_seat_is_gone_for_good_even_where_it_hangs(places: OnRay, stopped: Callable[[int], None]) -> None:
    places.open("m-closed-1")
    pid = until(places, "m-closed-1", Answer).host.pid
    stopped(pid)
    held = places._seats["m-closed-1"].result()  # Ray itself ends an actor that nobody refers to any more
    places.close("m-closed-1")
    deadline = time.monotonic() + _SECONDS
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(ValueError, match="m-closed-1"):
        ray.get_actor("m-closed-1")
    assert held is not None


def test_seats_for_which_there_is_no_room_are_silent_and_what_there_is_is_told(on_ray: Callable[..., OnRay]) -> None:
    places = on_ray(cpus=1000.0)
    places.open("m-large-1")
    assert isinstance(asyncio.run(places.ask({"m-large-1": Ask()}, within=0.5))["m-large-1"], Silent)
    there = asyncio.run(places.room())
    assert there.words.startswith("each needs 1000 CPU, the Ray cluster has ")
    assert not there.free
    assert asyncio.run(on_ray().room()).free
