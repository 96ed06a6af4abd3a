"""How the files of a local cluster come to be: configuration, certificate, formatted storage."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from marathon_ray.kafka import certificate, distribution, java, node, storage
from marathon_ray.kafka.distribution import Distribution
from marathon_ray.kafka.guardianship import mark
from marathon_ray.kafka.node import Node
from marathon_ray.kafka.state import State

_LOGGING = "log4j2.properties"


def form(home: Path, state: State, software: Distribution, ports: Sequence[int]) -> None:
    """Lay out the plan's nodes on the ports and write all their files; afterwards each can be started."""
    (home / _LOGGING).write_text(java.LOG4J, encoding="utf-8")
    checkpoint = home / storage.CHECKPOINT
    if state.plan.secure:
        certificate.make(home, state.password)
        distribution.make_checkpoint(software, checkpoint, users=[certificate.scram_user(state.password)])
    else:
        shutil.copyfile(software.checkpoint, checkpoint)
    state.nodes = node.lay_out(state.plan, home, ports)
    state.versions = dict.fromkeys(state.nodes, software.version)
    state.save(home)
    for each in state.nodes.values():
        form_node(home, state, each)


def form_node(home: Path, state: State, at: Node) -> None:
    """Write a node's configuration and format its storage, which is empty afterwards."""
    at.directory.mkdir(exist_ok=True)
    properties = properties_of(home, state, at)
    node.write_properties(at.configuration, properties)
    storage.format_node(properties, state.cluster_id, home / storage.CHECKPOINT)


def properties_of(home: Path, state: State, at: Node) -> dict[str, str]:
    """Return all broker properties of a node."""
    found = node.properties(at, state.voters, state.plan)
    if at.secure_port:
        found |= certificate.broker_properties(home, state.password)
    return found


def command_of(home: Path, state: State, at: Node) -> list[str]:
    """Return the command line of a node's broker."""
    options = [
        f"-Xmx{state.plan.heap}",
        mark(home),
        f"-Dmarathon.log={at.log}",
        f"-Dlog4j2.configurationFile={home / _LOGGING}",
        *state.plan.jvm,
    ]
    software = distribution.cached(state.versions[at.id])
    return software.command(java.BROKER, [str(at.configuration)], options=options)
