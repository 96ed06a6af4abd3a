"""What is known of a local cluster, kept in its directory so that any process of this user can take hold of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ValidationError

from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.node import Node
from marathon_ray.kafka.plan import Plan

_FILE = "cluster.json"


class State(BaseModel):
    """The plan, and what was made of it in ``home``: ``versions`` is the software of each node.

    ``password`` is that of clients of the secure listener.
    """

    home: Path
    plan: Plan
    cluster_id: str
    password: str
    nodes: dict[int, Node] = {}
    versions: dict[int, str] = {}

    @property
    def voters(self) -> list[Node]:
        """The nodes of the controller quorum."""
        return [node for node in self.nodes.values() if node.votes]

    @property
    def template(self) -> Path:
        """What is in the metadata directory of every node of this cluster when it begins."""
        return self.home / "template"

    def save(self) -> None:
        """Write it into the cluster's directory, whole or not at all."""
        path = self.home / f"{_FILE}.new"
        path.touch(mode=0o600)
        path.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        path.replace(self.home / _FILE)


def load(home: Path) -> State:
    """Return the state of the cluster in ``home``; KafkaError if there is no such cluster (yet)."""
    try:
        return State.model_validate_json((home / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        raise KafkaError(f"cluster {home.name} in {home.parent} is not there, or not made yet") from None
