"""Where finished runs are copied: a bucket, or a folder elsewhere. Results stay on a disk, and these are copies of them."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from marathon_ray.report.report import NAME
from marathon_ray.usage import UsageError

_MARK: Final = ".stored"  # in the folder of a run, the address of the store that has it
_SCHEMES: Final = ("s3", "gs", "file")


class Store:
    """An address as s3://bucket/prefix, gs://bucket/prefix or file:///folder. Who may write there is the environment's to
    say, as with any program that uses the bucket. Raises UsageError where it is no such address."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in _SCHEMES or not (parts.path.strip("/") if parts.scheme == "file" else parts.netloc):
            raise UsageError(f"store {address!r}: write s3://bucket/prefix, gs://bucket/prefix or file:///folder")
        if "@" in parts.netloc:
            raise UsageError("store: its address has a key in it, which would be shown; leave that to the environment")
        self.address = address.rstrip("/")
        self._opened: tuple[Any, str] | None = None

    def check(self) -> None:
        """Something was written there, and removed. Raises UsageError of one line where it cannot be."""
        name = f".marathon-{uuid.uuid4().hex}"
        try:
            self._write(name, b"")
            system, root = self._open()
            system.delete_file(f"{root}/{name}")
        except Exception as error:  # noqa: BLE001 - whatever the library of that store raises
            raise UsageError(f"store {self.address}: it cannot be written: {told(error)}") from None

    def has(self, folder: Path) -> bool:
        """Whether this run was copied there, as its folder says."""
        mark = folder / _MARK
        return mark.exists() and mark.read_text() == self.address

    def copy(self, folder: Path) -> None:
        """The folder of a run is there, under its own name. Its report comes last: where that is, all is. Raises whatever
        the library of that store raises."""
        files = [file for file in folder.rglob("*") if file.is_file() and file.name != _MARK]
        for file in sorted(files, key=lambda file: (file.name == NAME, file)):
            self.copy_file(file, f"{folder.name}/{file.relative_to(folder).as_posix()}")
        (folder / _MARK).write_text(self.address)

    def copy_file(self, file: Path, name: str) -> None:
        """One file is there under that name."""
        with file.open("rb") as source:
            self._write(name, source)

    def _write(self, name: str, source: Any) -> None:  # noqa: ANN401 - bytes, or a file
        system, root = self._open()
        path = f"{root}/{name}"
        if self.address.startswith("file:"):  # a bucket has no folders
            system.create_dir(path.rpartition("/")[0], recursive=True)
        with system.open_output_stream(path) as target:
            if isinstance(source, bytes):
                target.write(source)
            else:
                shutil.copyfileobj(source, target, 1 << 20)

    def _open(self) -> tuple[Any, str]:
        if self._opened is None:
            from pyarrow.fs import FileSystem  # noqa: PLC0415 - it takes its time, and few runs need it

            system, root = FileSystem.from_uri(self.address)
            self._opened = system, root.rstrip("/")
        return self._opened


def finished(results: Path) -> Iterator[Path]:
    """The folders of runs that have a report."""
    yield from sorted(file.parent for file in results.glob(f"*/{NAME}"))


def told(error: BaseException) -> str:
    """One line of it."""
    return f"{' '.join(str(error).split()) or type(error).__name__}"[:300]
