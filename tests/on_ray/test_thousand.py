"""The driver's half of a run with many workers, over a real Ray: every record of every log has one place in the books."""

import asyncio

import pytest

from benchmarks.thousand import Load, Thousand, measure

pytestmark = [pytest.mark.on_ray, pytest.mark.usefixtures("ray_here")]
LOAD = Load(workers=60, partitions=40, crowds=3, trailing=0.5, every=0.1)


def test_sixty_workers_are_counted_to_the_record() -> None:
    async def play() -> tuple[Thousand, dict[str, int]]:
        async with Thousand(LOAD) as bench:
            await bench.start()
            await bench.turn(10)
            balance = await bench.finish()
            assert not balance.faults()
            return bench, {name: balance.total(name) for name in ("attempted", "acknowledged", "found", "lost")}

    bench, counts = asyncio.run(play())
    assert counts == dict.fromkeys(("attempted", "acknowledged", "found"), bench.written) | {"lost": 0}
    assert bench.written > 0
    assert bench.findings == []


def test_a_frozen_node_loses_its_workers_and_what_it_does_when_thawed_counts_once() -> None:
    result = asyncio.run(measure(LOAD, seconds=3, frozen=1))
    assert result.buried >= result.silenced > 0
    assert result.tails > 0
    assert result.counts["unreported found"] > 0  # the buried went on where they had stopped, and nobody listened
    assert result.exact, result
