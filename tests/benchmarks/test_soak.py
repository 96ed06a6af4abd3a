"""What a soak has begun it ends, whatever goes wrong meanwhile."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import soak
from benchmarks.moody import Moody
from benchmarks.soak import Soak
from benchmarks.soak_lives import Life, Lives


def fails(*_: Any) -> None:
    raise ConnectionError("Ray is gone")


@pytest.mark.parametrize("place", [(Soak, "_soak"), (soak, "_answer")])
def test_a_controller_is_ended_whatever_goes_wrong(
    place: tuple[Any, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def lives(*_: Any, **__: Any) -> Any:
        calls: dict[str, Callable[[], None]] = {
            name: lambda name=name: done.append(name)  # type: ignore[misc]
            for name in ("begin", "look", "end")
        }
        return SimpleNamespace(**calls)

    there = SimpleNamespace(name="k-1", address="json://here", bootstrap=lambda: "b")
    for name in ("LocalKafka", "RayNodes", "Moody"):
        monkeypatch.setattr(soak, name, lambda **_: nullcontext(there))
    monkeypatch.setattr(soak, "Lives", lives)
    monkeypatch.setattr(*place, fails)
    with pytest.raises(ConnectionError):
        Soak(minutes=0, results=tmp_path).run()
    assert done == ["begin", "end"]


def test_each_way_to_lose_a_machine_comes_as_often_as_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soak, "WAYS", {way: lambda *_, way=way: way for way in soak.WAYS})
    told: list[str] = []
    one = Soak(minutes=0, results=tmp_path, every=1, tell=told.append)
    lost = [one._lose(None) for _ in range(6)]  # type: ignore[arg-type]
    assert sorted(lost[:3]) == sorted(lost[3:]) == sorted(soak.WAYS)


def test_growth_is_looked_at_where_a_controller_lives_long_enough(tmp_path: Path) -> None:
    assert Soak(minutes=30, results=tmp_path).is_long
    assert not Soak(minutes=5, results=tmp_path, kills=1).is_long


def test_a_receiver_refuses_every_second_call_until_it_does_so_no_more() -> None:
    with Moody() as moody:
        assert [moody.hear([]) for _ in range(4)] == [503, 200, 503, 200]
        moody.refuses = False
        assert [moody.hear([]) for _ in range(2)] == [200, 200]
        assert (len(moody.taken), moody.refused) == (4, 2)


def test_a_controller_that_ends_while_it_is_looked_at_is_seen_the_next_time(tmp_path: Path) -> None:
    gone: Any = SimpleNamespace(poll=lambda: None, pid=(1 << 22) + 1)  # beyond any process
    one = Lives(tmp_path, tmp_path, "ray", "token", lives=[Life(gone, tmp_path / "log", 0.0)])
    one.look()
    assert (one.lives[0].sizes, one.fallen) == ([], [])
