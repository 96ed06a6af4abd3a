"""A folder that goes when its maker does, however that ends: a Ray of our own would leave its logs and sockets for good."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# Its input ends with whoever holds the other end, even by SIGKILL; for a moment Ray's own processes may write still.
# A signal to all processes of a service is not for it.
_KEEPER: Final = 'trap "" HUP INT TERM; cat > /dev/null; for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" 2>/dev/null && exit; sleep 1; done'


@contextmanager
def scratch() -> Iterator[Path]:
    """A new one, with a short path, since there are sockets below; where Ray's own would be."""
    place = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    Path(place).mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="mr-", dir=place)
    with subprocess.Popen(["/bin/sh", "-c", _KEEPER, folder], stdin=subprocess.PIPE, start_new_session=True):
        yield Path(folder)
