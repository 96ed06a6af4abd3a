"""The folder of one run: its journal, its report, its series. A run that was never begun has none."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from marathon_ray.journal import NAME, left, read
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.usage import UsageError

ROOM: Final = 64 << 20  # bytes: a journal, and a report with all its series, take a few MiB


@contextmanager
def folder(results: Path, name: str) -> Iterator[Path]:
    """It is there within the block, and stays, unless the run could not be done as asked and has left nothing to undo.

    Raises UsageError where it cannot be written, or the disk has no room.
    """
    new = [each for each in (results, *results.parents) if not each.exists()]
    try:
        own = _made(results, name)
    except UsageError:
        _drop(new)
        raise
    try:
        yield own
    except (UsageError, KafkaError):
        if not (own / NAME).exists() or not left(read(own / NAME)):
            shutil.rmtree(own)
            _drop(new)
        raise


def _made(results: Path, name: str) -> Path:
    try:
        results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=results):
            pass
        if (free := shutil.disk_usage(results).free) >= ROOM:
            (results / name).mkdir()
            return results / name
    except OSError as error:
        raise UsageError(f"results {results}: {error.strerror}") from None
    raise UsageError(f"results {results}: {free >> 20} MiB are free, a run needs {ROOM >> 20} MiB")


def _drop(folders: list[Path]) -> None:
    """Those that are empty."""
    for each in folders:
        with suppress(OSError):
            each.rmdir()
