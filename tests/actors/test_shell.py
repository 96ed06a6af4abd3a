"""A shell makes the worker that it is ordered, hands on what that tells, and stops it when nobody asks."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count, pairwise
from typing import Any

import pytest

from actors import shell as shells
from actors.order import Answer, Ask, Host, Order
from actors.shell import MAKERS, Shell
from actors.spec import Auditors, Consumers, Producers, Transactors, WorkerSpec
from actors.tally import Part, Tally
from actors.target import Target, TopicPlace
from tests.mock_kafka import PARTITIONS, MockKafka

NOWHERE = Target(1, {"bootstrap.servers": "127.0.0.1:1"}, {})
SPEC = Consumers(of="t", group="g")
_topics = count()


class Idler:
    """A worker that does nothing until it is told to stop, or to fail."""

    def __init__(self, name: str, target: Target) -> None:
        self.name, self.target = name, target
        self.applied: list[tuple[int, WorkerSpec]] = []
        self.confirmed: list[int] = []
        self.stops = 0
        self.failure: Exception | None = None
        self._end = threading.Event()

    def run(self) -> None:
        self._end.wait()
        if self.failure:
            raise self.failure

    def apply(self, revision: int, spec: WorkerSpec) -> None:
        self.applied.append((revision, spec))

    def collect(self, confirmed: int) -> Tally:
        self.confirmed.append(confirmed)
        return Tally(self.name, (Part(confirmed + 1, 0),))

    def stop(self) -> None:
        self.stops += 1
        self._end.set()

    def fail(self, failure: Exception) -> None:
        self.failure = failure
        self._end.set()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Idler]]:
    """The idlers that shells make where a consumer is asked for."""
    idlers: list[Idler] = []

    def make(name: str, target: Target) -> Idler:
        idlers.append(Idler(name, target))
        return idlers[-1]

    monkeypatch.setattr(shells, "MAKERS", {Consumers: make})
    yield idlers
    for idler in idlers:
        idler.stop()


def order(worker: str = "w", revision: int = 1, **options: Any) -> Order:
    return Order(worker, NOWHERE, revision, SPEC, **options)


def until(shell: Shell, ask: Ask, holds: Callable[[Answer], bool], *, within: float = 60.0) -> Answer:
    """Ask until the answer is so."""
    deadline = time.monotonic() + within
    while not holds(answer := shell.ask(ask)):
        assert time.monotonic() < deadline, f"not within {within} s: {answer}"
        time.sleep(0.01)
    return answer


def test_a_shell_is_born_idle_and_says_who_and_where_it_is(made: list[Idler]) -> None:
    shell = Shell()
    answer = shell.ask(Ask())
    assert (answer.incarnation, answer.tally, answer.revision, answer.ended) == (shell.incarnation, None, 0, False)
    assert (answer.host.node, answer.host.pid) == (socket.gethostname(), os.getpid())
    assert not made


def test_no_two_lives_have_one_incarnation() -> None:
    assert Shell().incarnation != Shell().incarnation


def test_every_kind_of_spec_has_its_worker() -> None:
    assert {kind: maker.__name__ for kind, maker in MAKERS.items()} == {
        Producers: "Producer",
        Consumers: "Consumer",
        Auditors: "Auditor",
        Transactors: "Transactor",
    }


def test_neither_a_driver_nor_a_seat_without_an_order_loads_what_touches_records() -> None:
    code = "import sys, actors.shell, marathon_ray.commands.run; print(*(sys.modules.keys() & {'numba', 'actors.librdkafka'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_seat_that_shall_be_ready_loads_what_is_compiled_and_no_worker_needs_it_in_another_form() -> None:
    code = """
from actors.order import Ask
from actors.shell import Shell
Shell().ask(Ask(ready=True))
import actors.kernels as kernels, actors.rows as rows
from actors.composer import Composer, Identity, Times
from actors.spec import Producers
loops = kernels.compose, rows.seal, kernels.fold_reports, kernels.close_claims, kernels.fold_records, kernels.close_runs
print(*(len(loop.signatures) for loop in loops))
for keys in "none", "zipf 1.1 of 1000":
    spec = Producers(to="t", size="100 B..2 KiB", keys=keys, compressible=0.5)
    composer = Composer(spec.size, spec.keys, spec.compressible)
    composer.compose(Identity(1 << 31, 1 << 62, 1, 2, 3), 1 << 40, 10, Times(1 << 60, 0.5))
print(*(len(loop.signatures) for loop in loops))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["1 1 1 1 1 1", "1 1 1 1 1 1", ""]


def test_the_first_order_makes_the_worker_and_a_higher_revision_changes_its_course(made: list[Idler]) -> None:
    shell = Shell()
    revisions = [shell.ask(Ask(order=order(revision=revision))).revision for revision in (1, 1, 3, 2)]
    (idler,) = made
    assert (idler.name, idler.target) == ("w", NOWHERE)
    assert idler.applied == [(1, SPEC), (3, SPEC)]
    assert revisions == [1, 1, 3, 3]


def test_what_is_confirmed_reaches_the_worker_and_its_tally_comes_back(made: list[Idler]) -> None:
    shell = Shell()
    shell.ask(Ask(order=order()))
    answer = shell.ask(Ask(shell.incarnation, order(), confirmed=7))
    assert made[0].confirmed == [0, 7]
    assert answer.tally is not None
    assert answer.tally.version == 8


def test_a_shell_that_is_taken_for_another_life_only_says_who_it_is(made: list[Idler]) -> None:
    shell = Shell()
    answer = shell.ask(Ask("another", order(), confirmed=3))
    assert (answer.incarnation, answer.tally) == (shell.incarnation, None)
    assert not made


def test_a_stopped_worker_is_told_as_ended_without_an_error(made: list[Idler]) -> None:
    shell = Shell()
    shell.ask(Ask(order=order()))
    answer = until(shell, Ask(order=order(stop=True)), lambda answer: answer.ended)
    assert answer.error == ""
    assert answer.tally is not None


def test_the_answer_to_a_stop_waits_for_an_end_that_is_near(made: list[Idler], monkeypatch: Any) -> None:
    shell = Shell()
    shell.ask(Ask(order=order()))
    (idler,) = made
    later = threading.Timer(0.1, idler.stop)
    monkeypatch.setattr(idler, "stop", later.start)
    answer = shell.ask(Ask(order=order(stop=True)))
    assert (answer.ended, answer.error) == (True, "")
    monkeypatch.undo()


def test_the_answer_to_a_stop_does_not_wait_for_ever(made: list[Idler], monkeypatch: Any) -> None:
    shell = Shell()
    shell.ask(Ask(order=order()))
    monkeypatch.setattr(made[0], "stop", lambda: None)
    answer = shell.ask(Ask(order=order(stop=True)))
    assert not answer.ended
    assert answer.tally is not None
    monkeypatch.undo()


def test_an_error_that_ends_the_worker_is_told_in_one_line(made: list[Idler]) -> None:
    shell = Shell()
    assert not shell.ask(Ask(order=order())).ended
    made[0].fail(ValueError("no such property:\n  linger"))
    answer = until(shell, Ask(order=order()), lambda answer: answer.ended)
    assert answer.error == "ValueError: no such property: linger"


def test_an_ended_workers_last_tally_is_collected_after_its_end(made: list[Idler], monkeypatch: Any) -> None:
    shell = Shell()
    shell.ask(Ask(order=order()))
    (idler,) = made

    def collect(confirmed: int) -> Tally:  # ends while its tally is cut
        idler.stop()
        shell._job._thread.join(10)  # type: ignore[union-attr]
        return Tally("w")

    monkeypatch.setattr(idler, "collect", collect)
    assert not shell.ask(Ask()).ended
    assert shell.ask(Ask()).ended


def test_an_order_for_another_worker_is_refused(made: list[Idler]) -> None:
    shell = Shell()
    shell.ask(Ask(order=order("one")))
    with pytest.raises(ValueError, match="one works here: nothing can be ordered for other"):
        shell.ask(Ask(order=order("other")))


def test_a_spec_of_no_kind_that_is_known_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="no worker does what a WorkerSpec asks for"):
        Shell().ask(Ask(order=Order("w", NOWHERE, 1, WorkerSpec())))


def test_a_worker_that_nobody_asks_for_is_stopped_and_the_next_answer_says_so(made: list[Idler]) -> None:
    shell = Shell(silence=0.05)
    shell.ask(Ask(order=order()))
    shell._job._thread.join(10)  # type: ignore[union-attr]
    assert made[0].stops == 1
    answer = shell.ask(Ask())
    assert (answer.ended, answer.error) == (True, "stopped by itself: nobody had asked for 0.05 s")


def test_a_worker_that_is_asked_for_works_on(made: list[Idler]) -> None:
    shell = Shell(silence=30.0)
    shell.ask(Ask(order=order()))
    before = shell._job.asked  # type: ignore[union-attr]
    shell.ask(Ask("another"))
    assert shell._job.asked == before  # type: ignore[union-attr]
    shell.ask(Ask(shell.incarnation))
    assert shell._job.asked > before  # type: ignore[union-attr]
    assert made[0].stops == 0


def test_a_host_tells_what_its_process_uses() -> None:
    shell = Shell(Host(node="n", address="a", labels={"zone": "z"}))
    hosts = [shell.ask(Ask()).host]
    for _ in range(30):
        spun = time.process_time() + 0.004  # less than a clock tick: a round may be short
        while time.process_time() < spun:
            pass
        hosts.append(shell.ask(Ask()).host)
    after = hosts[-1]
    assert (after.node, after.address, after.labels) == ("n", "a", {"zone": "z"})
    assert min(later.cpu_seconds - one.cpu_seconds for one, later in pairwise(hosts)) >= 0.004
    assert after.resident > 1 << 20
    assert all(0 <= one.machine <= 1 for one in hosts)
    assert any(one.machine > 0 for one in hosts)
    assert all(one.at < later.at for one, later in pairwise(hosts))


def test_a_real_producer_loads_through_a_shell(mock_kafka: MockKafka) -> None:
    topic = mock_kafka.topic(f"shell-{next(_topics)}")
    target = Target(1, mock_kafka.properties, {topic: TopicPlace(1, PARTITIONS)})
    spec = Producers(to=topic, rate="2000 records/s", size="100 B").slice(0, 1, {topic: PARTITIONS})
    shell, told = Shell(), 0
    deadline = time.monotonic() + 60
    while told < 1000:
        assert time.monotonic() < deadline
        answer = shell.ask(Ask(shell.incarnation, Order("p", target, 1, spec)))
        assert answer.tally is not None
        told = sum(part.counts.get("acknowledged", 0) for part in answer.tally.parts)
    until(shell, Ask(shell.incarnation, Order("p", target, 1, spec, stop=True)), lambda answer: answer.ended)
