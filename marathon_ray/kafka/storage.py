"""A node's data on disk: formatted by Python in no time, wiped, and found by topic and partition."""

from __future__ import annotations

import base64
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

_IDENTITY = "meta.properties"
_QUORUM = "__cluster_metadata-0"


def new_uuid() -> str:
    """Return a random id as Kafka writes it: 22 characters of URL-safe base64.

    Like Kafka's own it never begins with a dash, which its tools would take for an option.
    """
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def log_directories(properties: Mapping[str, str]) -> list[Path]:
    """Return the directories of a node's data, the one of the metadata log first if it is apart."""
    data = [part.strip() for part in properties["log.dirs"].split(",")]
    apart = properties.get("metadata.log.dir")
    return [Path(part) for part in dict.fromkeys([apart, *data] if apart else data)]


def format_node(properties: Mapping[str, str], *, cluster_id: str, template: Path) -> None:
    """Make a node's directories as Kafka's own tool would.

    The tool needs a JVM for each node; all it writes is an identity and a bootstrap checkpoint, which is the same for
    all nodes of a version (while voters are listed in the properties), so ``template`` is made once and copied.
    """
    directories = log_directories(properties)
    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
        lines = {"version": 1, "cluster.id": cluster_id, "node.id": properties["node.id"], "directory.id": new_uuid()}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (directory / _IDENTITY).write_text(text, encoding="utf-8")
    shutil.copytree(template, directories[0], dirs_exist_ok=True)


def make_template(formatted: Path, template: Path) -> None:
    """Keep what Kafka's tool has put into a metadata directory, but for the identity, as the new ``template``.

    Where the checkpoint is differs between versions (since 4.4 beside the metadata log), so all there is is taken.
    """
    (formatted / _IDENTITY).unlink()
    formatted.replace(template)


def wipe_node(properties: Mapping[str, str]) -> None:
    """Empty a node's directories, but for what it has promised in the controller quorum.

    A voter that forgets its vote breaks Raft itself: a wiped leader that comes back before the others have noticed
    stops with "inconsistent with current leader". The directories stay too, since each may be a mount.
    """
    for directory in log_directories(properties):
        for path in [found for found in directory.rglob("*") if not found.is_dir()]:
            if path.parent.name != _QUORUM or path.name != "quorum-state":
                path.unlink()
        for path in sorted((found for found in directory.rglob("*") if found.is_dir()), reverse=True):
            if not any(path.iterdir()):
                path.rmdir()


def segments(properties: Mapping[str, str], topic: str, *, partition: int) -> list[Path]:
    """Return the segment files of a partition on a node, oldest first; none if it has no replica there."""
    found = [path for where in log_directories(properties) for path in where.glob(f"{topic}-{partition}/*.log")]
    return sorted(found, key=lambda path: path.name)
