"""The guardian as a process of its own, with sleepers in the place of brokers."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from marathon_ray.kafka import guardian
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.guardianship import Guardianship, Renewal, appoint, mark, reclaim
from marathon_ray.kafka.waiting import wait_until


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path (a Unix socket's may have 100 bytes), and nothing in it afterwards."""
    path = Path(tempfile.mkdtemp(prefix="mk-"))
    yield path
    for home in path.iterdir():
        Guardianship(home).end()
    assert list(path.iterdir()) == []
    path.rmdir()


def sleeper(home: Path, node: int) -> psutil.Process:
    """Start a process in the place of a broker, under the guardian of ``home``."""
    argv = [sys.executable, "-c", "import time; time.sleep(60)", mark(home)]
    status = Guardianship(home).request("start", node=node, argv=argv, log=str(home / "log"))
    return psutil.Process(status["nodes"][str(node)]["pid"])


def is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return True
    return False


def gone(home: Path, processes: list[psutil.Process], ports: tuple[int, ...]) -> bool:
    return not home.exists() and not any(each.is_running() for each in processes) and all(map(is_free, ports))


def test_a_lapsed_lease_takes_processes_files_and_ports_with_it_a_frozen_process_too(root: Path) -> None:
    home = root / "c"
    ports = appoint(home, ports=3, lease=15)
    processes = [sleeper(home, 1), sleeper(home, 2)]
    Guardianship(home).request("signal", node=2, number=int(signal.SIGSTOP))
    (home / "data").mkdir()
    (home / "data" / "file").touch()
    Guardianship(home).request("renew", seconds=0.2)
    wait_until("the end", lambda: gone(home, processes, ports), within=5)


def test_a_renewed_lease_does_not_lapse(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    process = sleeper(home, 1)
    Guardianship(home).request("renew", seconds=2.0)
    renewal = Renewal(Guardianship(home), lease=2.0)
    time.sleep(3)  # longer than one lease
    assert process.is_running()
    renewal.stop()
    wait_until("the end", lambda: not process.is_running() and not home.exists(), within=5)


def test_the_end_is_over_when_it_returns_and_can_be_asked_for_twice(root: Path) -> None:
    home = root / "c"
    ports = appoint(home, ports=2, lease=15)
    process = sleeper(home, 1)
    Guardianship(home).end()
    assert gone(home, [process], ports)
    Guardianship(home).end()


def test_a_termination_of_the_guardian_is_an_end(root: Path) -> None:
    home = root / "c"
    ports = appoint(home, ports=2, lease=15)
    process = sleeper(home, 1)
    os.kill(Guardianship(home).request("status")["guardian"], signal.SIGTERM)
    wait_until("the end", lambda: gone(home, [process], ports), within=5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills children with their parent")
def test_a_killed_guardian_takes_its_children_along_even_a_frozen_one(root: Path) -> None:
    home = root / "c"
    ports = appoint(home, ports=2, lease=15)
    processes = [sleeper(home, 1), sleeper(home, 2)]
    processes[1].suspend()
    os.kill(Guardianship(home).request("status")["guardian"], signal.SIGKILL)
    wait_until("the death of the children", lambda: not any(each.is_running() for each in processes), within=5)
    with pytest.raises(KafkaError, match="the guardian of cluster c does not answer"):
        Guardianship(home).request("status")
    assert list(reclaim(root)) == ["c"]
    assert gone(home, processes, ports)


def test_what_carries_the_mark_of_a_dead_cluster_is_killed_and_nothing_else(root: Path) -> None:
    home = root / "c"
    home.mkdir()
    code = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen([*code, mark(home)]) as marked, subprocess.Popen([*code, mark(root / "d")]) as other:
        assert list(reclaim(root)) == ["c"]
        assert not psutil.pid_exists(marked.pid)
        assert other.poll() is None
        other.kill()


def test_a_living_cluster_is_not_reclaimed(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    process = sleeper(home, 1)
    assert list(reclaim(root)) == []
    assert process.is_running()


def test_a_name_that_is_there_already_is_refused_and_the_first_one_stays(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    with pytest.raises(KafkaError, match="there is one of that name"):
        appoint(home, ports=1, lease=15)
    assert Guardianship(home).request("status")["nodes"] == {}


def test_a_taken_port_is_named_and_nothing_is_left(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(KafkaError, match=f"port {port} of 127.0.0.1 is taken"):
            appoint(root / "c", ports=2, lease=15, first_port=port)
    assert list(root.iterdir()) == []


def test_a_path_too_long_for_a_socket_is_refused(root: Path) -> None:
    with pytest.raises(KafkaError, match="longer than 100 bytes"):
        appoint(root / ("x" * 100), ports=1, lease=15)


def test_two_clusters_never_get_the_same_port(root: Path) -> None:
    ports = [port for name in "abcd" for port in appoint(root / name, ports=20, lease=15)]
    assert len(set(ports)) == 80
    assert all(port in guardian.PORTS and port < guardian.ephemeral_start() for port in ports)


def test_a_held_port_is_for_a_listener_with_reuse_and_for_nobody_else() -> None:
    ((port, holder),) = guardian.hold_any(1).items()
    with holder:
        with pytest.raises(OSError, match="in use"):
            guardian.hold(port)
        for _ in range(2):  # a broker that starts, and starts again
            socket.create_server(("127.0.0.1", port)).close()  # binds with reuse, as Java does
    assert is_free(port)


def test_ports_are_found_even_where_the_ephemeral_range_begins_low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian, "ephemeral_start", lambda: 1024)
    held = guardian.hold_any(3)
    for holder in held.values():
        holder.close()
    assert len(held) == 3
    assert all(port in guardian.PORTS for port in held)


def test_a_pause_ends_by_itself_when_its_time_is_over(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    process = sleeper(home, 1)
    held = Guardianship(home)
    asked = held.request("signal", node=1, number=int(signal.SIGSTOP), revive_after=0.5)
    assert asked["nodes"]["1"]["state"] == "paused"
    wait_until("the stop", lambda: process.status() == psutil.STATUS_STOPPED, within=5)
    wait_until("the thaw", lambda: process.status() != psutil.STATUS_STOPPED, within=5)
    assert held.request("status")["nodes"]["1"]["state"] == "up"


def test_a_killed_process_is_started_again_when_its_time_is_over(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    process = sleeper(home, 1)
    held = Guardianship(home)
    held.request("signal", node=1, number=int(signal.SIGKILL), revive_after=0.5)
    wait_until("the end", lambda: not process.is_running(), within=5)
    assert held.request("status")["nodes"]["1"]["state"] == "down"
    wait_until("the start", lambda: held.request("status")["nodes"]["1"]["state"] == "up", within=5)
    revived = psutil.Process(held.request("status")["nodes"]["1"]["pid"])
    assert (revived.pid != process.pid, revived.cmdline()[-1]) == (True, mark(home))
    Guardianship(home).end()
    assert not revived.is_running()


def test_one_that_takes_its_time_to_end_is_waited_for_and_then_started_again(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    held = Guardianship(home)
    code = "import signal, time; signal.signal(15, lambda *_: (time.sleep(0.5), exit(7))); print(1, flush=True); time.sleep(60)"
    log = home / "log"
    held.request("start", node=1, argv=[sys.executable, "-c", code], log=str(log))
    wait_until("the handler", lambda: log.read_text() == "1\n", within=5)
    before = held.request("signal", node=1, number=int(signal.SIGTERM), revive_after=0.1)["nodes"]["1"]["pid"]
    wait_until("another life", lambda: held.request("status")["nodes"]["1"]["pid"] != before, within=5)
    assert held.request("status")["nodes"]["1"]["state"] == "up"


def test_a_process_comes_back_as_another_where_that_was_said_before_it_ended(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    process = sleeper(home, 1)
    held = Guardianship(home)
    newer = [*process.cmdline(), "newer"]
    held.request("signal", node=1, number=int(signal.SIGTERM), revive_after=0.1, argv=newer)
    wait_until("another life", lambda: held.request("status")["nodes"]["1"]["pid"] != process.pid, within=5)
    revived = psutil.Process(held.request("status")["nodes"]["1"]["pid"])
    wait_until("its own words", lambda: revived.cmdline() == newer, within=5)
    held.request("signal", node=1, number=int(signal.SIGTERM), revive_after=0.1)
    wait_until("a third life", lambda: held.request("status")["nodes"]["1"]["pid"] != revived.pid, within=5)
    third = psutil.Process(held.request("status")["nodes"]["1"]["pid"])
    wait_until("the same words", lambda: third.cmdline() == newer, within=5)


def test_one_that_was_started_meanwhile_is_left_alone(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    first = sleeper(home, 1)
    held = Guardianship(home)
    held.request("signal", node=1, number=int(signal.SIGKILL), revive_after=0.3)
    wait_until("the end", lambda: not first.is_running(), within=5)
    second = sleeper(home, 1)
    second.kill()
    wait_until("its end", lambda: not second.is_running(), within=5)
    time.sleep(0.5)  # longer than the first would have been left down
    assert held.request("status")["nodes"]["1"] == {"pid": second.pid, "state": "down", "exit": -signal.SIGKILL}


def test_a_child_that_ended_is_reaped_and_its_exit_code_told(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    held = Guardianship(home)
    process = sleeper(home, 1)
    held.request("signal", node=1, number=int(signal.SIGKILL))
    wait_until("the end", lambda: not process.is_running(), within=5)
    assert held.request("status")["nodes"]["1"]["state"] == "down"
    assert held.request("status")["nodes"]["1"]["exit"] == -signal.SIGKILL
    assert sleeper(home, 1).pid != process.pid


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ({"do": "dance"}, "the guardian cannot do"),
        ({"do": "signal", "node": 7, "number": 9}, "the guardian cannot do"),
        ({"do": "start", "node": 1, "argv": ["/no/such"], "log": "log"}, "the guardian cannot do"),
    ],
)
def test_a_request_that_cannot_be_met_is_answered_and_the_guardian_goes_on(
    root: Path, request_: dict[str, object], line: str
) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    with pytest.raises(KafkaError, match=line):
        Guardianship(home).request(**request_)  # type: ignore[arg-type]
    assert Guardianship(home).request("status")["nodes"] == {}


def test_a_client_that_says_nothing_delays_the_others_by_a_second_at_most(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        mute.connect(str(home / guardian.SOCKET))
        begin = time.monotonic()
        Guardianship(home).request("status")
        assert time.monotonic() - begin < 3 * guardian.REQUEST_WITHIN


def test_a_guardian_is_nobodys_child_and_leads_no_session_of_the_drivers(root: Path) -> None:
    home = root / "c"
    appoint(home, ports=1, lease=15)
    pid = Guardianship(home).request("status")["guardian"]
    assert pid not in {child.pid for child in psutil.Process().children(recursive=True)}
    assert os.getsid(pid) != os.getsid(0)


def test_the_guardian_needs_nothing_but_the_standard_library() -> None:
    assert guardian.__file__
    code = f"import runpy; runpy.run_path({guardian.__file__!r}, run_name='elsewhere')"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, timeout=30, cwd="/")
