"""What a person says to a rotation by `marathon ...`, and what the rotation does: a real controller, inbox and Ray, and a
Kafka that is not there."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

import marathon_ray
from actors.order import Answer, Ask
from marathon_ray import cli
from marathon_ray.ground import Ground
from marathon_ray.journal import read
from marathon_ray.places.on_ray import connect, disconnect
from marathon_ray.rotation import speaking

pytestmark = pytest.mark.on_ray
CPUS = 2
PLAN = """
bench: told
clusters: {nobody: "127.0.0.1:1"}
scenarios: [{run: steady-write}]
patience: {rest: 10 min}
metrics: 127.0.0.1:0
"""


@pytest.fixture
def controller(ray_cluster: str, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`marathon serve` as a process of its own, which rests after its first run: nobody is there to be written to."""
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    command = [sys.executable, "-m", "marathon_ray", "serve", str(plan), "--ray", ray_cluster]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--results", str(tmp_path / "results")],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 90
        while "cannot be run" not in (told := (tmp_path / "log").read_text()):
            assert process.poll() is None, told
            assert time.monotonic() < deadline, told
            time.sleep(0.2)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_controller_hears_what_is_said_by_the_command_line_and_ends_when_it_is_told_to(
    ray_cluster: str, controller: "subprocess.Popen[bytes]", tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> tuple[int, str]:
        code = cli.run([*words, "--bench", "told", "--ray", ray_cluster])
        shown = capfd.readouterr()
        return code, (shown.out + shown.err).splitlines()[0]

    connect(ray_cluster)  # once, and not by each command
    try:
        assert said("pause") == (0, "no further run begins; no run goes on")
        code, line = said("status")
        assert (code, line.endswith("; held by command")) == (0, True), line
        assert said("set", "every", "10 min") == (0, "from the next run on every is 10 min")
        assert said("set", "every", "ages")[0] == 2
        code, line = said("mute", "2 h")
        assert (code, line.startswith("nobody is alerted until ")) == (0, True), line
        assert said("resume") == (0, "runs begin again as the plan says")
        assert said("hold") == (0, "no run begins")
        assert said("interrupt") == (0, "no run goes on")
        ends = "the rotation ends; a run that goes on heals and cleans up first: seconds, or a minute or two"
        assert said("stop") == (0, ends)
        assert controller.wait(60) == 0
        assert said("status") == (2, "marathon: bench told: no controller serves it on this Ray cluster")
        assert ray.is_initialized()  # by us, and not by the commands
    finally:
        disconnect()
    told = [entry["what"] for entry in read(tmp_path / "results" / "rotation-told.jsonl")]
    assert [what for what in told if what in ("hold", "set", "mute", "release")] == [
        "hold",
        "set",
        "mute",
        "release",
        "hold",
    ]


def test_a_command_that_ends_leaves_its_ray_to_a_run_that_has_begun_meanwhile(ray_cluster: str) -> None:
    asks, begun = threading.Event(), threading.Event()

    def say(bench: str, word: str, **_: Any) -> str:
        asks.set()
        assert begun.wait(60)
        return f"{word} is done"

    async def both() -> bool:
        said = asyncio.create_task(marathon_ray.command("status", ray=ray_cluster))
        assert await asyncio.to_thread(asks.wait, 60)
        ground = Ground(on_ray=True, address=None, seats=1)
        await asyncio.to_thread(ground.connect)
        begun.set()
        assert await said == "status is done"
        places = ground.places()
        try:
            places.open("m-meanwhile-1")
            async with asyncio.timeout(60):
                while not isinstance((await places.ask({"m-meanwhile-1": Ask()}, within=1.0))["m-meanwhile-1"], Answer):
                    pass
            return ray.is_initialized()
        finally:
            await places.shut()
            await asyncio.to_thread(ground.leave)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(speaking, "say", say)
        assert asyncio.run(both())
    assert not ray.is_initialized()
