"""Values as JSON in files that are whole, or as they were before."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def save(value: "DataclassInstance", path: Path) -> None:
    """The value is there; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(value), indent=1) + "\n", encoding="utf-8")
    new.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Its fields. Raises OSError where there is no such file."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
