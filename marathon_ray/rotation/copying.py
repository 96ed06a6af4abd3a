"""Copies what a rotation finishes to its store, beside the rotation: a store that fails holds up nothing."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from marathon_ray.event import Event
from marathon_ray.news import Kind, event
from marathon_ray.rotation.ended import Ended
from marathon_ray.store import Store, finished, told

_AGAIN: Final = 60.0  # s after which what failed is tried again
_LAST: Final = 60.0  # s for the last of it, when the rotation ends


class Copying:
    """A thread that copies every run with a report that the store has not, and the rotation's `journal`. What was not copied
    when it ended is copied by the next one. `tell` hears when the store fails, and when it works again."""

    def __init__(self, store: Store, journal: Path, tell: Callable[[Event], None], *, again: float = _AGAIN) -> None:
        self._store, self._journal, self._tell, self._again = store, journal, tell, again
        self._failed = False
        self._ends = False
        self._news = threading.Event()
        self._news.set()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def finished(self, one: Ended) -> None:  # noqa: ARG002 - its folder says all
        """A run has ended."""
        self._news.set()

    def close(self) -> None:
        """What was left has been tried once more, or a minute is over."""
        self._ends = True
        self._news.set()
        self._thread.join(_LAST)

    def _run(self) -> None:
        while True:
            self._news.wait(self._again if self._failed else None)
            ends = self._ends  # looked at first, so that what ended before it is copied
            self._news.clear()
            self._copy()
            if ends:
                return

    def _copy(self) -> None:
        try:
            for folder in finished(self._journal.parent):
                if not self._store.has(folder):
                    self._store.copy(folder)
            if self._journal.exists():
                self._store.copy_file(self._journal, self._journal.name)
        except Exception as error:  # noqa: BLE001 - whatever the library of that store raises
            self._say(told(error))
        else:
            self._say("")

    def _say(self, why: str) -> None:
        if bool(why) == self._failed:
            return
        self._failed = bool(why)
        what = f"the store {self._store.address}"
        message = f"{what} takes no copies\n{why}" if why else f"{what} takes copies again"
        self._tell(event(Kind.STORE_FAILED, what, message, over=not why))
