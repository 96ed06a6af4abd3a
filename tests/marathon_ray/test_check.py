"""The board of planted errors, ended from outside."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any, cast

import pytest

from marathon_ray import check
from marathon_ray.clusters import Opened
from marathon_ray.names import Names
from marathon_ray.plant import Played
from marathon_ray.stops import InterruptionError


def test_a_signal_that_comes_when_all_is_played_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def played(*_: object) -> list[Played]:
        return []

    class Nowhere:
        def client_properties(self) -> dict[str, str]:
            return {}

    monkeypatch.setattr(check, "_on", played)
    cluster: Any = Nowhere()
    opened = Opened("theirs", ours=False, cluster=cluster, begin=lambda: None, end=_tell)
    with pytest.raises(InterruptionError, match="SIGTERM"):
        asyncio.run(check.check(opened, Names("bench", "0000000a"), tmp_path, (), cast(Any, None), lambda _: None))


def _tell() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
