"""One holder at a time, also between processes, and one that dies is followed by another."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from marathon_ray.rotation import lease
from marathon_ray.rotation.lease import Lease, TakenError


def test_a_lease_is_held_by_one_until_it_is_given_back(tmp_path: Path) -> None:
    first, second = Lease(tmp_path, "one", "a"), Lease(tmp_path, "one", "b")
    first.take()
    with pytest.raises(TakenError, match="one is held by a, for 30 s more unless it renews it"):
        second.take()
    first.renew()
    first.give_back()
    assert second.take().number == 2
    Lease(tmp_path, "another", "a").take()


def test_who_does_not_renew_loses_it_and_learns_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "EXPIRES", -1.0)
    first, second = Lease(tmp_path, "one", "a").take(), Lease(tmp_path, "one", "b")
    assert second.take().number == first.number + 1
    with pytest.raises(TakenError, match="one was taken by b"):
        first.renew()
    first.give_back()
    holder = second.holder()
    assert holder is not None
    assert holder.owner == "b"


def test_a_file_that_cannot_be_read_is_somebodys_until_it_would_have_expired(tmp_path: Path) -> None:
    first, second = Lease(tmp_path, "one", "a").take(), Lease(tmp_path, "one", "b")
    file = tmp_path / "one.lease"
    for text in ("", "{}", "[1]", "null", "\udcff"):
        file.write_text(text, errors="surrogateescape")
        with pytest.raises(TakenError, match="one is held by somebody"):
            second.take()
        with pytest.raises(TakenError, match="one was taken by somebody"):
            first.renew()
    os.utime(file, (0, 0))
    second.take()
    with pytest.raises(TakenError, match="one was taken by b"):
        first.renew()


def test_of_many_who_want_it_at_once_one_has_it(tmp_path: Path) -> None:
    def want(name: int) -> bool:
        try:
            Lease(tmp_path, "one", str(name)).take()
        except TakenError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(want, range(64))) == 1
    holder = Lease(tmp_path, "one", "x").holder()
    assert holder is not None
    assert holder.lives
    assert holder.until > time.time()
