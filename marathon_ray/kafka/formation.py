"""How the files of a local cluster come to be: configuration, certificate, formatted storage."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from marathon_ray.kafka import certificate, distribution, java, node, storage
from marathon_ray.kafka.distribution import Distribution
from marathon_ray.kafka.guardianship import mark
from marathon_ray.kafka.node import Node
from marathon_ray.kafka.state import State

_LOGGING = "log4j2.properties"


def form(state: State, software: Distribution, *, ports: Sequence[int]) -> None:
    """Lay out the plan's nodes on the ports and write all their files; afterwards each can be started."""
    (state.home / _LOGGING).write_text(java.LOG4J, encoding="utf-8")
    if state.plan.secure:
        certificate.make(state.home, state.password)
        users = [certificate.scram_user(state.password)]
        distribution.make_template(software, state.template, users=users)
    else:
        shutil.copytree(software.template, state.template)
    state.nodes = node.lay_out(state.plan, state.home, ports=ports)
    state.versions = dict.fromkeys(state.nodes, software.version)
    state.save()
    for each in state.nodes.values():
        form_node(state, each)


def form_node(state: State, at: Node) -> None:
    """Write a node's configuration and format its storage, which is empty afterwards."""
    at.directory.mkdir(exist_ok=True)
    properties = properties_of(state, at)
    node.write_properties(at.configuration, properties)
    storage.format_node(properties, cluster_id=state.cluster_id, template=state.template)


def properties_of(state: State, at: Node) -> dict[str, str]:
    """Return all broker properties of a node."""
    found = node.properties(at, state.plan, voters=state.voters)
    if at.secure_port:
        found |= certificate.broker_properties(state.home, state.password)
    return found


def command_of(state: State, at: Node, version: str) -> list[str]:
    """Return the command line of a node's broker of that version, which is at hand."""
    options = [
        f"-Xmx{state.plan.heap}",
        mark(state.home),
        f"-Dmarathon.log={at.log}",
        f"-Dlog4j2.configurationFile={state.home / _LOGGING}",
        *state.plan.jvm,
    ]
    return distribution.cached(version).command(java.BROKER, [str(at.configuration)], options=options)
