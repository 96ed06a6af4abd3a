"""Names that tell on themselves: whatever a run makes on a cluster is called m-<bench>-<run>-<field>."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from actors.spec import Auditors, Consumers, Producers, Transactors, WorkerSpec

Spec = TypeVar("Spec", bound=WorkerSpec)

MARK: Final = "m"
_BENCH: Final = re.compile(r"[a-z0-9_]{1,20}")
_RUN: Final = re.compile(r"[0-9a-f]{8}")


def new_run() -> str:
    """Eight hexadecimal digits."""
    return secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one run of one bench (an installation of ours). Raises ValueError on a bench's name that would not be
    found again in others' names."""

    bench: str
    run: str

    def __post_init__(self) -> None:
        if not _BENCH.fullmatch(self.bench):
            raise ValueError(f"bench {self.bench!r}: 1 to 20 of a-z, 0-9 and _")
        if not _RUN.fullmatch(self.run):
            raise ValueError(f"run {self.run!r}: eight hexadecimal digits")

    def of(self, field: str) -> str:
        """The name on the cluster of a topic or group of the scenario."""
        return f"{MARK}-{self.bench}-{self.run}-{field}"

    def given(self, spec: Spec) -> Spec:
        """The spec with the names that the cluster knows."""
        update: dict[str, object] = {}
        if isinstance(spec, Producers | Transactors):
            update["to"] = tuple(map(self.of, spec.to))
        if isinstance(spec, Consumers | Auditors | Transactors):
            update["of"] = tuple(map(self.of, spec.of))
        if isinstance(spec, Consumers | Transactors):
            update["group"] = self.of(spec.group)
        return spec.model_copy(update=update)


def run_of(name: str, *, bench: str) -> str | None:
    """The run of that bench that made what has this name on the cluster; None where none did."""
    mark, _, rest = name.partition("-")
    owner, _, rest = rest.partition("-")
    run, _, field = rest.partition("-")
    return run if (mark, owner) == (MARK, bench) and field and _RUN.fullmatch(run) else None


def fields_of(names: Names, fields: Mapping[str, object]) -> dict[str, str]:
    """The scenario's words for what the cluster knows by another name."""
    return {names.of(field): field for field in fields}
