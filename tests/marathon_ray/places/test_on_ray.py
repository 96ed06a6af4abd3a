"""A Ray that cannot be reached is told at once; Ray itself would try for minutes."""

import asyncio
import math
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import ray
from ray._private.utils import check_version_info
from ray._raylet import RAY_NODE_MARKET_TYPE_KEY  # type: ignore[attr-defined]

from marathon_ray.places import head
from marathon_ray.places.head import MARKET, Node, Room, mislabelled
from marathon_ray.places.on_ray import OnRay, connect, disconnect
from marathon_ray.places.place import Vacancy


def test_an_address_where_nobody_listens_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionError, match=f"^Ray at 127.0.0.1:{port}: .*refused$"):
        connect(f"127.0.0.1:{port}")


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "file" / "below"))
    with pytest.raises(ConnectionError, match=r"^Ray at this machine: its folder: .*Not a directory"):
        connect()


def test_a_proxy_is_refused() -> None:
    with pytest.raises(ConnectionError, match=r"^Ray at ray://127.0.0.1:1: give HOST:PORT of the head"):
        connect("ray://127.0.0.1:1")


def test_a_port_that_there_is_not_is_told_in_one_line() -> None:
    with pytest.raises(ConnectionError, match=r"^Ray at 127.0.0.1:99999: a port is a number from 1 to 65535$"):
        connect("127.0.0.1:99999")


@pytest.fixture(params=["silent", "closing", "talking"])
def stranger(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of somebody who is no head of Ray: says nothing, or closes at once, or answers as a web server would."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            link, _ = server.accept()
            with link:
                if request.param == "talking":
                    link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        if request.param != "silent":
            threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_who_is_no_head_of_ray_is_told_so_at_once(stranger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "_REACH_SECONDS", 0.3)
    with pytest.raises(ConnectionError, match=f"^Ray at {stranger}: what listens there is no head of Ray$"):
        connect(stranger)


@pytest.mark.parametrize(("ray_version", "python_version"), [("2.9.0", "3.11.7"), ("2.60.0", "3.9.1")])
def test_other_versions_are_told_in_one_line(ray_version: str, python_version: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        check_version_info({"ray_version": ray_version, "python_version": python_version}, "127.0.0.1")
    told = head.told(caught.value)
    assert told.startswith(f"it has Ray {ray_version} and Python {python_version}, this process has Ray 2.")
    assert "\n" not in told


class Driven:
    """A Ray that is driven or not, and how often it was opened and closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = self.closed = 0
        self.driven = False
        monkeypatch.setattr(head, "reach", lambda address: None)
        monkeypatch.setattr(ray, "is_initialized", lambda: self.driven)
        monkeypatch.setattr(ray, "init", self._init)
        monkeypatch.setattr(ray, "shutdown", self._shutdown)

    def _init(self, *_: object, **__: object) -> None:
        assert not self.driven
        time.sleep(0.05)  # so that others come meanwhile
        self.opened, self.driven = self.opened + 1, True

    def _shutdown(self) -> None:
        self.closed, self.driven = self.closed + 1, False


@pytest.fixture
def driven(monkeypatch: pytest.MonkeyPatch) -> Driven:
    return Driven(monkeypatch)


def test_who_uses_a_connection_beside_another_does_not_end_it_whoever_ends_first(driven: Driven) -> None:
    assert connect("head:6379") == 1  # a command
    assert connect("head:6379") == 2  # a run
    disconnect()
    assert (driven.driven, driven.closed) == (True, 0)
    assert connect() == 2  # one more command, which ends after the run
    disconnect()
    disconnect()
    assert (driven.driven, driven.opened, driven.closed) == (False, 1, 1)
    assert connect("head:6379") == 1
    disconnect()
    assert (driven.driven, driven.opened, driven.closed) == (False, 2, 2)


def test_who_asks_for_another_ray_than_the_one_that_is_driven_is_told_so(driven: Driven) -> None:
    assert [connect("head:6379"), connect("auto"), connect("head:6379")] == [1, 2, 3]
    with pytest.raises(ConnectionError, match=r"^Ray at other:6379: this process drives head:6379 already$"):
        connect("other:6379")
    for _ in range(3):
        disconnect()
    assert (driven.driven, driven.opened, driven.closed) == (False, 1, 1)


def test_those_that_come_at_once_open_one_connection(driven: Driven) -> None:
    users: list[int] = []
    threads = [threading.Thread(target=lambda: users.append(connect("head:6379"))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (sorted(users), driven.opened) == ([1, 2, 3, 4], 1)
    for _ in users:
        assert driven.driven
        disconnect()
    assert not driven.driven


def test_what_somebody_else_has_connected_is_theirs_to_end(driven: Driven) -> None:
    driven.driven = True
    assert connect("head:6379") == 0
    assert (driven.driven, driven.opened) == (True, 0)


def test_a_node_that_will_be_taken_away_has_no_room_for_a_seat(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [{"NodeID": name, "Alive": True, "Resources": {"CPU": 4.0}, "Labels": {}} for name in ("stays", "leaves")]
    monkeypatch.setattr(ray, "nodes", lambda: there)
    monkeypatch.setattr(head, "available_resources_per_node", lambda: {"stays": {"CPU": 1.0}, "leaves": {"CPU": 4.0}})
    monkeypatch.setattr(head, "state", SimpleNamespace(get_max_resources_from_cluster_config=lambda: None))
    monkeypatch.setattr(head, "_HEARSAY_SECONDS", 0.0)
    monkeypatch.setattr(head, "draining", dict)
    assert head.room() == Room(8.0, 5.0, None)
    monkeypatch.setattr(head, "draining", lambda: {"leaves": math.inf})
    assert head.room() == Room(4.0, 1.0, None)
    assert head.lacking(11, cpus=0.1).endswith("it has 1 free of 4: add nodes or use fewer workers")
    monkeypatch.setattr(head, "draining", lambda: {"leaves": math.inf, "stays": math.inf})
    assert head.lacking(1, cpus=0.1, nodes="spot").endswith("it has 0 free of 0: add nodes or use fewer workers")
    assert head.lacking(0, cpus=0.1, nodes="spot") == ""  # as a controller asks, which waits for nodes to come


@pytest.mark.parametrize(
    ("room", "lacking"),
    [
        (Room(1.0, 0.6, None), ""),
        (Room(1.0, 0.5, None), "it has 0.5 free of 1"),
        (Room(0.0, 0.0, 0.6), ""),
        (Room(1.0, 1.0, 0.5), "it has 0.5 at its greatest"),
    ],
)
def test_what_is_free_counts_and_where_a_cluster_grows_what_it_can_grow_to(room: Room, lacking: str) -> None:
    line = f"6 workers of 0.1 CPU (0.6) are needed, {lacking}: add nodes or use fewer workers" if lacking else ""
    assert room.lacking(6, cpus=0.1) == line


@pytest.mark.parametrize(
    ("there", "free"),
    [(Room(0.0, 0.0, None), False), (Room(4.0, 0.05, 64.0), False), (Room(4.0, 0.1, None), True)],
)
def test_a_seat_has_room_where_it_is_now_whatever_the_cluster_can_grow_to(
    there: Room, free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(head, "room", lambda nodes: there)
    places = OnRay()
    words = f"each needs 0.1 CPU, the Ray cluster has {there.whole:g} in all and {there.free:g} free"
    assert asyncio.run(places.room()) == Vacancy(free, words)
    asyncio.run(places.shut())


SPOT, DEAR, PLAIN = (
    Node(4, 4, {"ray.io/node-id": "n", **more}) for more in ({MARKET: "spot"}, {MARKET: "on-demand"}, {})
)
KEPT = Node(4, 4, {MARKET: "reserved", "zone": "b"})


def test_the_label_is_rays_own() -> None:
    assert MARKET == RAY_NODE_MARKET_TYPE_KEY


@pytest.mark.parametrize("nodes", [[SPOT], [PLAIN, DEAR], []])
def test_spot_nodes_are_there_or_those_instead_of_them_or_nobody_knows(nodes: list[Node]) -> None:
    assert mislabelled(nodes, "spot") == ""


@pytest.mark.parametrize(
    ("nodes", "labels"),
    [
        ([PLAIN], "none"),
        ([PLAIN, KEPT], "ray.io/market-type=reserved, zone=b"),
        ([Node(1, 1, {f"l{at}": "v" for at in range(8)})], "l0=v, l1=v, l2=v, l3=v, l4=v, l5=v, 2 more"),
    ],
)
def test_where_no_node_has_the_label_those_that_there_are_are_told(nodes: list[Node], labels: str) -> None:
    assert mislabelled(nodes, "any") == ""
    assert mislabelled(nodes, "spot") == (
        f"spot nodes are asked for, and of {len(nodes)} that have CPUs none has the label ray.io/market-type=spot or "
        f"on-demand; labels that there are: {labels}"
    )
