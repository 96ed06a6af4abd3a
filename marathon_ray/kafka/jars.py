"""The jars of one Kafka version, resolved by Maven coordinates in pure Python, checked, and kept for this user."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from tempfile import mkdtemp

import stamina
from jgo.maven import Artifact, MavenContext, PythonResolver

from marathon_ray.kafka import guardian
from marathon_ray.kafka.cluster import KafkaError

GROUP = "org.apache.kafka"
LOG4J = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"  # Kafka's jars bring no slf4j binding: mute without
_NOT_NEEDED = ("connect-runtime", "connect-api", "connect-json", "connect-transforms")  # half of all files
_LISTING_AGE = 24 * 3600  # seconds before the registry is asked again what it serves
_DOWNLOADS = 6  # at a time
logging.getLogger("jgo").addHandler(logging.NullHandler())  # its complaints reach a log, not a person's terminal

Tell = Callable[[str, float | None], None]
"""Hears what is going on: a step in words, and how much of it is done (0 to 1, None if it cannot be told)."""


def served(cache: Path, *, max_age: float | None = None) -> list[str]:
    """Return all versions that the registry lists, from a listing of a day at most if it can be had.

    Without a connection an old listing does, unless one of at most ``max_age`` seconds is asked for; KafkaError if there
    is none that does.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with guardian.locked(cache):
        project = MavenContext(repo_cache=cache / "listing").project(GROUP, "kafka_2.13")
        known = _age(cache / "listing") is not None
        project.update(max_age=int(_LISTING_AGE if max_age is None else max_age) if known else None)
        age = _age(cache / "listing")
        if age is None or (max_age is not None and age > max_age):
            raise KafkaError("the Maven registry cannot be asked which Kafka it serves: no connection?")
        return [str(component.version) for component in project.versions()]


def _age(listing: Path) -> float | None:
    """Seconds since the registry has last answered; None if it never has."""
    answers = [path.stat().st_mtime for path in listing.rglob("maven-metadata-*.xml")]
    return time.time() - max(answers) if answers else None


def classpath(directory: Path) -> str:
    """Return all jars of a directory, in a fixed order: an ahead-of-time cache is good for exactly this text."""
    return ":".join(str(path) for path in sorted(directory.glob("*.jar")))


def fetch(version: str, home: Path, *, tell: Tell) -> bool:
    """See to it that ``home / "jars"`` holds the jars of ``version``; return whether they had to be downloaded.

    The caller holds the lock of ``home``. The directory appears at once and complete, or not at all.
    """
    target = home / "jars"
    if intact(target):
        return False
    staging = Path(mkdtemp(prefix="staging-", dir=home))
    try:
        download(version, staging, tell=tell)
        shutil.rmtree(target, ignore_errors=True)
        (staging / "jars").rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return True


def intact(directory: Path) -> bool:
    """Whether the directory holds exactly the jars of its manifest, byte for byte."""
    try:
        manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
        return bool(manifest == digests(directory.glob("*.jar")))
    except (OSError, ValueError):
        return False


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of each file by its name."""
    found = {}
    for path in sorted(paths):
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def download(version: str, staging: Path, *, tell: Tell) -> None:
    """Fill ``staging / "jars"`` with the version's jars and their manifest; KafkaError if one cannot be had whole."""
    tell(f"Kafka {version}: which jars it needs", None)
    target = staging / "jars"
    target.mkdir()
    try:
        artifacts = resolve(version, staging / "repository")
        for done, path in enumerate(download_all(artifacts), 1):
            path.rename(target / path.name)
            tell(f"Kafka {version}: {done} of {len(artifacts)} jars", done / len(artifacts))
    except (OSError, RuntimeError) as error:
        raise KafkaError(f"the jars of Kafka {version} cannot be downloaded: {error}") from None
    manifest = json.dumps(digests(target.glob("*.jar")), indent=1)
    (target / "manifest.json").write_text(manifest, encoding="utf-8")


def download_all(artifacts: Sequence[Artifact]) -> Iterator[Path]:
    """Download several jars at a time and give each as it is there; what has not begun yet is dropped on the way out."""
    pool = ThreadPoolExecutor(_DOWNLOADS)
    try:
        for future in as_completed([pool.submit(download_one, each) for each in artifacts]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


class Strict(PythonResolver):
    """jgo's resolver, which notes what it could not download: jgo goes on without it and would return too few jars."""

    def __init__(self) -> None:
        super().__init__()
        self.missed: list[str] = []

    def download(self, artifact: Artifact) -> Path | None:
        """Download one file; OSError or RuntimeError if it cannot be had, and then it is noted."""
        try:
            return super().download(artifact)
        except (OSError, RuntimeError):
            self.missed.append(artifact.filename)
            raise


@stamina.retry(on=OSError, attempts=3)
def resolve(version: str, repository: Path) -> Sequence[Artifact]:
    """Return the artifacts that broker and tools of ``version`` need at run time; OSError if one is not known whole.

    Coordinates are raw ("!"): taken as bills of material they would drag in each other's older kafka-clients.
    """
    strict = Strict()
    context = MavenContext(repo_cache=repository, resolver=strict)
    excluded = [context.project(GROUP, name) for name in _NOT_NEEDED]
    names = [f"{GROUP}:{name}:{version}" for name in ("kafka_2.13", "kafka-clients", "kafka-tools")]
    wanted = [context.create_dependency(f"{name}!", excluded) for name in (*names, LOG4J)]
    given, implied = context.resolver.resolve(wanted)
    if strict.missed:
        raise OSError(f"{len(strict.missed)} files are not to be had, {strict.missed[0]} first")
    return [found.artifact for found in (*given, *implied) if found.scope in {None, "compile", "runtime"}]


@stamina.retry(on=OSError, attempts=3)
def download_one(artifact: Artifact) -> Path:
    """Download one jar and hold it against the registry's SHA-1; KafkaError if it is not the same."""
    digest = artifact.component.artifact(artifact.classifier, "jar.sha1")
    for path in (artifact.cached_path, digest.cached_path):
        if path:
            path.unlink(missing_ok=True)  # what an attempt before left behind
    jar = artifact.resolve()
    expected = digest.resolve().read_text().split()[0]
    found = hashlib.sha1(jar.read_bytes(), usedforsecurity=False).hexdigest()
    if found != expected:
        raise KafkaError(f"{jar.name} is damaged: its SHA-1 is {found}, the registry's {expected}")
    return jar
