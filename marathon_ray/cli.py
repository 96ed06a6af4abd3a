"""The command ``marathon``: the tree of commands, and what becomes of an error (one line, exit code 2)."""

from __future__ import annotations

import sys

from cyclopts import App, CycloptsError
from stamina.instrumentation import set_on_retry_hooks

from marathon_ray.kafka import commands
from marathon_ray.kafka.cluster import KafkaError

USAGE = 2
INTERRUPTED = 4

app = App(
    name="marathon",
    help="Test Kafka-compatible clusters for weeks, and prove record by record what they kept.",
    suppress_keyboard_interrupt=False,
)
app.command(commands.app)


def main() -> None:
    """Run the command that the arguments name, and exit: 0 done, 2 it cannot be done as asked, 4 interrupted."""
    set_on_retry_hooks([])  # a retry is no news for a terminal: what comes of it is
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code; an error is one line on standard error, never a trace."""
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except KafkaError as error:
        return _complain(str(error))
    except CycloptsError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        _complain("interrupted: everything that was started is gone")
        return INTERRUPTED
    return 0


def _complain(line: str) -> int:
    sys.stderr.write(f"marathon: {' '.join(line.split())}\n")
    return USAGE
