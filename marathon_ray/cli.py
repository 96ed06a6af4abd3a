"""The command ``marathon``: the tree of commands, and what becomes of an error (lines, exit code 2)."""

from __future__ import annotations

import sys
import traceback
from typing import Final

from cyclopts import App, CycloptsError
from stamina.instrumentation import set_on_retry_hooks

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.outcome import EXIT, USAGE, Outcome
from marathon_ray.usage import UsageError, in_short

_ENDS: Final = (
    f"Exits with {', '.join(f'{code} {outcome}' for outcome, code in EXIT.items())}; {USAGE} it cannot be run so."
)
# Imported when they are called, so that none waits for what only another one needs.
COMMANDS: Final = {
    "list": ("marathon_ray.commands.catalogue:list_all", "Which scenarios there are."),
    "show": ("marathon_ray.commands.catalogue:show", "What a scenario promises, and its fields."),
    "plan": ("marathon_ray.commands.plan:plan_one", "How large a run will be, and its mistakes; nothing is touched."),
    "run": ("marathon_ray.commands.run:run", f"Run a scenario, and judge it.\n\n{_ENDS}"),
    "serve": ("marathon_ray.commands.serve:serve", "Play a rotation of scenarios, for weeks."),
    "submit": ("marathon_ray.commands.submit:submit", "Make a job of a Ray cluster of another command, or end one."),
    "status": ("marathon_ray.commands.say:status", "What a rotation does, and has done."),
    "hold": ("marathon_ray.commands.say:hold", "No further run of a rotation begins."),
    "release": ("marathon_ray.commands.say:release", "Runs of a rotation begin again."),
    "pause": ("marathon_ray.commands.say:pause", "Hold, and interrupt the run that goes on."),
    "resume": ("marathon_ray.commands.say:resume", "Release."),
    "interrupt": ("marathon_ray.commands.say:interrupt", "End the run of a rotation early; it is tried again."),
    "skip": ("marathon_ray.commands.say:skip", "End the turn of a rotation."),
    "mute": ("marathon_ray.commands.say:mute", "Alert nobody for a while."),
    "set": ("marathon_ray.commands.say:change", "Change the plan of a rotation while it goes on."),
    "stop": ("marathon_ray.commands.say:stop", "End a rotation in good order."),
    "report": ("marathon_ray.commands.report:tell", "The summary of a run that is over; exits as the run did."),
    "check": ("marathon_ray.commands.check:check_bench", "Plant errors, and see that each is found."),
    "try": ("marathon_ray.commands.trial:try_out", "See what this is, in a few minutes."),
    "reclaim": ("marathon_ray.commands.reclaim:undo", "Undo what dead runs have left."),
    "kafka": ("marathon_ray.kafka.commands:app", "A real Kafka cluster on this machine."),
}
THOROUGH: Final = {"plan", "serve"}  # they tell every mistake, the others two

app = App(
    name="marathon",
    help="Test Kafka-compatible clusters for weeks, and prove record by record what they kept.",
    suppress_keyboard_interrupt=False,
)
for _name, (_where, _help) in COMMANDS.items():
    app.command(_where, name=_name, help=_help, sort_key=list(COMMANDS).index(_name))


def main() -> None:
    """Run the command that the arguments name, and exit: 0 done, 2 it cannot be done as asked, 4 interrupted; others are
    outcomes."""
    set_on_retry_hooks([])  # a retry is no news for a terminal: what comes of it is
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code; an error is a line or two on standard error, for some commands a
    line for each mistake. Only a mistake of our own has a trace, and says that nothing was proved."""
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except (KafkaError, UsageError) as error:
        lines = str(error).splitlines()
        return _complain(*(lines if THOROUGH.intersection(arguments[:1]) else in_short(lines)))
    except CycloptsError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        _complain("interrupted: everything that was started is gone")
        return EXIT[Outcome.INTERRUPTED]
    except Exception as error:  # noqa: BLE001 - a mistake of ours: it must not exit with the code of a broken promise
        from marathon_ray.catalogue import blamed  # noqa: PLC0415 - no command waits for what a failure needs

        if why := blamed(error):
            return _complain(why)
        traceback.print_exc()
        _complain("this is an error in marathon-ray, and proves nothing")
        return EXIT[Outcome.INVALID]
    return code if isinstance(code, int) else 0


def _complain(*lines: str) -> int:
    for line in lines:
        sys.stderr.write(f"marathon: {' '.join(line.split())}\n")
    return USAGE
