"""The write-ahead record of a run: what is about to be made or broken is on disk before it is, so that another can undo it.

One JSON object a line, each with `at` (UTC) and `what`. `intend` comes before an act, `undone` when nothing is left of it.
"""

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from marathon_ray.whole import sync

NAME: Final = "journal.jsonl"
Entry = Mapping[str, Any]


class Thing(NamedTuple):
    """Something that a run has made or broken."""

    kind: str  # topic, group, fault, cluster
    name: str


class Journal:
    """Appends to the file; every line is on the disk when the call returns. Safe between threads.

    A last line that a dead process has left half written is cut off: what it announced was not begun.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b", buffering=0)
        _mend(self._file)
        sync(path.parent)  # the file's own name is a thing to lose

    def write(self, what: str, **facts: Any) -> None:  # noqa: ANN401 - whatever JSON has a form for
        """One entry. Raises OSError where the disk does not take it: then nothing of it is there."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(), "what": what, **facts}, default=str)
        with self._lock:
            _append(self._file, line.encode() + b"\n")
            os.fsync(self._file.fileno())

    def intend(self, thing: Thing, **facts: Any) -> None:  # noqa: ANN401
        """That thing is about to be."""
        self.write("intend", kind=thing.kind, name=thing.name, **facts)

    def undone(self, thing: Thing) -> None:
        """Nothing is left of it."""
        self.write("undone", kind=thing.kind, name=thing.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


def _append(file: FileIO, line: bytes) -> None:
    """All of it or nothing: a full disk takes a part, and what came behind that could not be read any more."""
    try:
        while line:
            line = line[file.write(line) :]
    except OSError:
        _mend(file)
        raise


def _mend(file: FileIO) -> None:
    """It ends with a whole line."""
    end = at = file.seek(0, os.SEEK_END)
    while at > 0:
        at -= 1
        file.seek(at)
        if file.read(1) == b"\n":
            at += 1
            break
    if at < end:
        file.truncate(at)


def read(path: Path) -> Iterator[Entry]:
    """The entries; a last line that was cut short is passed over, since what it announced was not begun."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def left(entries: Iterable[Entry]) -> dict[Thing, Entry]:
    """What may still be there, with what was written of it before, the newest first: so it must be undone."""
    there: dict[Thing, Entry] = {}
    for entry in entries:
        if entry["what"] == "intend":
            there[Thing(entry["kind"], entry["name"])] = entry
        elif entry["what"] == "undone":
            gone = there.pop(Thing(entry["kind"], entry["name"]), None)
            if gone and gone.get("ours"):  # a cluster that was made for the run, with all that was on it
                there.clear()
    return dict(reversed(there.items()))
