"""How this package's numba functions are compiled, and where the machine code is kept."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import numba

_Function = TypeVar("_Function")
JIT: Final[dict[str, Any]] = {"nogil": True, "cache": True, "boundscheck": False, "error_model": "numpy"}


def _cache() -> Path:
    """A folder for exactly these sources: numba alone does not notice when a function that was inlined has changed."""
    here = Path(__file__).parent
    sources = b"".join(file.read_bytes() for file in sorted(here.glob("*.py")))
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "marathon-ray" / "compiled" / hashlib.sha256(sources).hexdigest()[:16]


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_cache())  # type: ignore[attr-defined]

compiled: Callable[[_Function], _Function] = numba.njit(**JIT)  # keeps the types that numba's own decorator loses
