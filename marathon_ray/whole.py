"""Files that are whole or not there, also where the power was cut."""

import os
from pathlib import Path


def put(file: Path, text: str) -> None:
    """The file has that text, and is on the disk when the call returns; until then it is as it was. Raises OSError."""
    draft = file.with_name(f"{file.name}.part")
    with draft.open("w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())  # else the new name may be on the disk before the text
    draft.replace(file)
    sync(file.parent)


def sync(folder: Path) -> None:
    """The names of its files are on the disk."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
