"""A cluster that grows by itself is asked for what a run needs, waited for, and told when that is over."""

import asyncio
from collections.abc import Iterable

import pytest

from marathon_ray import ground as grounds
from marathon_ray.ground import CrowdedError, Ground
from marathon_ray.places import head, on_ray
from marathon_ray.places.head import Room
from marathon_ray.reconcile import Limits
from marathon_ray.rounds import NoRoomError


class Head:
    """A cluster whose free CPUs are these, look by look, and the last ones from then on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: Iterable[float], reach: float | None) -> None:
        self.asked: list[int] = []
        self.notes: list[str] = []
        self._free, self._last, self._reach = iter(free), 0.0, reach
        monkeypatch.setattr(head, "room", self._room)
        monkeypatch.setattr(head, "ask_for", self._ask_for)
        monkeypatch.setattr(grounds, "_LOOK_SECONDS", 0.0)
        monkeypatch.setattr(grounds, "_GROW_SECONDS", 0.3)

    def _ask_for(self, workers: int, *, cpus: float) -> None:
        self.asked.append(workers)

    def _room(self, nodes: str = "any") -> Room:
        if nodes == "spot":
            self._last = next(self._free, self._last)
        return Room(self._last, self._last, self._reach)

    def grow(self) -> Ground:
        ground = Ground(on_ray=True, address=None, seats=6, nodes="spot")
        asyncio.run(ground.grow(self.notes.append))
        return ground


def test_it_is_asked_once_and_waited_for_until_all_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Head(monkeypatch, (0.0, 0.5, 0.6), reach=4.0)
    ground = there.grow()
    assert (there.asked, there.notes) == ([6], ["the Ray cluster grows for 6 workers"])
    assert ground.patience == grounds._GROW_SECONDS
    ground.leave()
    ground.leave()
    assert there.asked == [6, 0]


def test_one_that_is_large_enough_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Head(monkeypatch, (1.0,), reach=4.0)
    there.grow()
    assert (there.asked, there.notes) == ([6], [])


def test_one_that_does_not_grow_by_itself_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Head(monkeypatch, (0.0,), reach=None)
    ground = there.grow()
    ground.leave()
    assert there.asked == []
    assert ground.patience == Limits().start


def test_one_that_has_not_grown_in_time_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Head(monkeypatch, (0.5,), reach=4.0)
    with pytest.raises(
        NoRoomError, match=r"^Ray: it has not grown within 0.3 s: 6 workers .* it has 0.5 free of 0.5: "
    ):
        there.grow()


@pytest.mark.parametrize(("users", "asked", "left"), [(0, True, 0), (1, False, 1), (2, True, 1)])
def test_who_shares_a_ray_asks_whether_it_has_room_and_leaves_what_it_has_used(
    users: int, asked: bool, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves: list[bool] = []
    monkeypatch.setattr(on_ray, "connect", lambda *_, **__: users)
    monkeypatch.setattr(on_ray, "disconnect", lambda: leaves.append(True))
    monkeypatch.setattr(head, "lacking", lambda *_, **__: "no room")
    ground = Ground(on_ray=True, address=None, seats=6)
    if asked:
        with pytest.raises(CrowdedError, match=r"^Ray: no room$"):
            ground.connect()
    else:
        ground.connect()  # it was started with room for them
        ground.leave()
    assert len(leaves) == left
    ground.leave()
    assert len(leaves) == left
