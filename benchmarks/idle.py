"""What a seat holds that has no order yet: `python -m benchmarks.idle RAY SEATS` prints [RSS, PSS] of each, in bytes."""

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import Final

from actors.order import Answer, Ask
from marathon_ray.places.on_ray import OnRay, connect, disconnect

_WITHIN: Final = 60.0
_CALM_SECONDS: Final = 2.0


def sizes(rollup: str) -> tuple[int, int]:
    """RSS and PSS in bytes, out of a process's smaps_rollup. Raises ValueError where one is missing."""
    found = [re.search(rf"^{name}:\s+(\d+) kB$", rollup, re.MULTILINE) for name in ("Rss", "Pss")]
    rss, pss = (int(one[1]) * 1024 if one else 0 for one in found)
    if not rss or not pss:
        raise ValueError(f"Rss or Pss is not told: {rollup[:200]}")
    return rss, pss


async def _seats(count: int) -> list[int]:
    """Process numbers of so many seats, each of which has answered twice and does nothing."""
    places, names = OnRay(), [f"idle-{number}" for number in range(count)]
    for name in names:
        places.open(name)
    deadline = time.monotonic() + _WITHIN
    while True:
        replies = await places.ask(dict.fromkeys(names, Ask()), within=1.0)
        numbers = [reply.host.pid for reply in replies.values() if isinstance(reply, Answer)]
        if len(numbers) == count:
            return numbers
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(numbers)} of {count} seats came to life within {_WITHIN:g} s")


def main() -> None:
    """Open the seats, look, and print."""
    connect(sys.argv[1])
    numbers = asyncio.run(_seats(int(sys.argv[2])))
    time.sleep(_CALM_SECONDS)
    print(json.dumps([sizes(Path(f"/proc/{number}/smaps_rollup").read_text()) for number in numbers]))
    disconnect()


if __name__ == "__main__":
    main()
