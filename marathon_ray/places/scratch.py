"""A folder that goes when its maker does, however that ends: a Ray of our own would leave its logs and sockets for good."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# Its input ends with whoever holds the other end, even by SIGKILL. Ray's own processes outlive that, on a busy machine for many
# seconds, and one that comes to life late makes folders anew: it goes again until nobody but the maker has a file open in it.
# A signal to all processes of a service is not for it.
_KEEPER: Final = """
trap "" HUP INT TERM
cat > /dev/null
tries=0
while [ $tries -lt 60 ]; do
    rm -rf "$0" 2>/dev/null
    users=$(find /proc/[0-9]*/fd ! -path "/proc/$PPID/*" -lname "$0/*" -print -quit 2>/dev/null)
    [ -e "$0" ] || [ -n "$users" ] || exit
    tries=$((tries + 1))
    sleep 1
done
"""


@contextmanager
def scratch() -> Iterator[Path]:
    """A new one, with a short path, since there are sockets below; where Ray's own would be."""
    place = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    Path(place).mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="mr-", dir=place)
    with subprocess.Popen(["/bin/sh", "-c", _KEEPER, folder], stdin=subprocess.PIPE, start_new_session=True):
        yield Path(folder)
