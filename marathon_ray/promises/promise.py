"""The contract of a promise: a fold over the rounds of a run, never a scan of its history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

from actors.spec import WorkerSpec
from marathon_ray.balance import Balance
from marathon_ray.finding import Tail
from marathon_ray.kafka.kept import Kept
from marathon_ray.kafka.topics import Topic
from marathon_ray.round import Round

Decision: TypeAlias = Literal["passed", "undecided", "failed"]
State: TypeAlias = Any  # each promise has its own; a value that `step` replaces


@dataclass(frozen=True, slots=True)
class Declared:
    """What a scenario declares, as far as a promise looks at it: its fields by their names."""

    topics: Mapping[str, Topic]
    fleets: Mapping[str, WorkerSpec]


@dataclass(frozen=True, slots=True)
class Shade:
    """A fault was on, from `since` to `until` in seconds since the run began (None: still on); `at` is the wall clock
    of its begin, ns, and `nodes` whom it befell."""

    fault: str
    nodes: tuple[int, ...]
    since: float
    at: int
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known at the end, beside the rounds. `ordinals` are the topics' numbers by field name; `drained` says that
    both passes came to the end of every partition after the healing; `tails` are what each fleet's lost workers left in the
    dark; `kept` is how long the cluster keeps each topic's records: of one that is missing it did not say; `held` is how many
    bytes no partition of a topic can have exceeded, where that is known."""

    declared: Declared
    ordinals: Mapping[str, int]
    balance: Balance
    shades: tuple[Shade, ...] = ()
    drained: bool = True
    tails: Mapping[str, tuple[Tail, ...]] = field(default_factory=dict)
    kept: Mapping[str, Kept] = field(default_factory=dict)
    held: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a promise demanded and what was found, each in a sentence; `undecided` where nothing was seen of it. `promised` is
    what it demanded in the few words that stand beside what was found ("60 s"), where it has them."""

    promise: str
    demanded: str
    found: str
    state: Decision
    safety: bool = False
    figures: Mapping[str, float] = field(default_factory=dict)
    promised: str = ""


def state_of(kept: bool | None) -> Decision:  # noqa: FBT001 - what is asked is whether it was kept
    """By whether it was kept; None: nothing was seen of it."""
    return "undecided" if kept is None else "passed" if kept else "failed"


class Promise(Protocol):
    """One promise. `safety` says that a broken one outranks an interruption."""

    safety: ClassVar[bool]

    def mistakes(self, declared: Declared) -> Iterator[str]:
        """What it names that the scenario does not declare, a sentence each."""

    def begin(self, declared: Declared, ordinals: Mapping[str, int]) -> State:
        """The state before the first round."""

    def step(self, state: State, round_: Round) -> State:
        """The state after one more round."""

    def verdict(self, state: State, ending: Ending) -> Verdict:
        """The verdict by what was seen so far."""


def verdict_of(promise: Promise, state: State, ending: Ending) -> Verdict:
    """One that cannot say is not kept, whatever it is about; all else goes on."""
    try:
        return promise.verdict(state, ending)
    except Exception as error:  # noqa: BLE001 - a promise may be a user's own
        found = f"it cannot say: {type(error).__name__}: {' '.join(str(error).split())}"
        return Verdict(
            promise=type(promise).__name__, demanded=str(promise), found=found, state="undecided", safety=True
        )
