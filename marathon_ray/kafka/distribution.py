"""One Kafka version ready to run: its jars, a storage format made once, and a cache of loaded classes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs

from marathon_ray.kafka import guardian, jars, java, storage, versions
from marathon_ray.kafka.jars import Tell
from marathon_ray.kafka.node import Node, properties, write_properties
from marathon_ray.kafka.plan import Plan
from marathon_ray.kafka.program import run

FETCH_WITHIN = 900.0  # seconds to wait for another program that is fetching the same version
FORMAT_WITHIN = 60.0  # seconds
FINALIZE_WITHIN = 60.0  # seconds; the tool waits for the controller
_TEMPLATE = "template"


@dataclass(frozen=True)
class Distribution:
    """A version's files in the cache; ``aot`` may not be there yet (then a start takes about a third longer)."""

    version: str
    home: Path
    classpath: str

    @property
    def template(self) -> Path:
        """The metadata directory of a node formatted with this version, without its identity."""
        return self.home / _TEMPLATE

    @property
    def aot(self) -> Path:
        """The ahead-of-time cache for exactly these jars and this Java."""
        key = hashlib.sha256(f"{java.identity()}\n{self.classpath}".encode()).hexdigest()[:12]
        return self.home / f"kafka-{key}.aot"

    def command(self, main: str, arguments: Sequence[str], *, options: Sequence[str] = ()) -> list[str]:
        """Return the command line of one of its programs."""
        cached = (f"-XX:AOTCache={self.aot}",) if self.aot.exists() else ()
        return java.command(self.classpath, main, arguments=arguments, options=(*cached, *options))


def cache() -> Path:
    """Return where versions are kept for this user (``MARATHON_CACHE`` overrides it)."""
    return Path(os.environ.get("MARATHON_CACHE") or platformdirs.user_cache_path("marathon-ray")).resolve() / "kafka"


def find(name: str) -> str:
    """Return the exact version a name means: the registry is asked only for what is not in the cache already.

    KafkaError if the name is malformed or not served.
    """
    versions.check_name(name)
    if (cache() / name / _TEMPLATE).exists():
        return name
    return versions.choose(name, jars.served(cache()))


def cached(version: str) -> Distribution:
    """Return the distribution of an exact version that ``ready`` has returned before."""
    home = cache() / version
    return Distribution(version, home, jars.classpath(home / "jars"))


def ready(name: str, train: Callable[[Distribution], None], *, tell: Tell) -> Distribution:
    """Return the distribution that a name means; it is downloaded, and trained by ``train``, if it is not yet."""
    with _held(find(name), tell) as distribution:
        if not distribution.aot.exists():
            tell(f"Kafka {distribution.version}: first start", None)
            train(distribution)
    return distribution


@contextlib.contextmanager
def _held(version: str, tell: Tell) -> Iterator[Distribution]:
    """Give the distribution of an exact version, fetched if need be; nobody else changes it during the block."""
    home = cache() / version
    home.mkdir(parents=True, exist_ok=True)
    with guardian.locked(home, within=FETCH_WITHIN):
        _clear(home, "staging-*", "format-*", "*.new")  # of a program that was killed while it worked here
        if jars.fetch(version, home, tell=tell):
            _clear(home, "*.aot")  # good for the files it was made from only
        distribution = cached(version)
        if not distribution.template.exists():
            tell(f"Kafka {version}: storage format", None)
            make_template(distribution, distribution.template)
        yield distribution


def _clear(home: Path, *patterns: str) -> None:
    for leftover in (path for pattern in patterns for path in home.glob(pattern)):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink()


def make_template(distribution: Distribution, target: Path, *, users: Sequence[str] = ()) -> None:
    """Have Kafka's own tool format a node, and keep what it wrote as ``target``, which must not exist yet.

    ``users`` are SCRAM credentials as the tool takes them; KafkaError with the tool's words if it fails.
    """
    with TemporaryDirectory(dir=target.parent, prefix="format-") as scratch:
        node = Node(1, Path(scratch), votes=True, port=1, controller_port=2)
        write_properties(node.configuration, properties(node, Plan(nodes=1), voters=[node]))
        arguments = ["format", "-t", storage.new_uuid(), "-c", str(node.configuration)]
        arguments += [part for user in users for part in ("--add-scram", user)]
        run(distribution.command(java.STORAGE_TOOL, arguments), within=FORMAT_WITHIN)
        storage.make_template(node.directory / "data", target)


def finalize(distribution: Distribution, bootstrap: str) -> None:
    """Have Kafka's own tool put the features of that release in force; KafkaError with its words if it refuses."""
    release = ".".join(distribution.version.split(".")[:2])  # features are those of a minor release
    arguments = ["--bootstrap-server", bootstrap, "upgrade", "--release-version", release]
    run(distribution.command(java.FEATURE_TOOL, arguments), within=FINALIZE_WITHIN, telling="Could not")
