"""Calls that are waited for no longer than asked, whatever librdkafka does with them."""

import threading
from collections.abc import Callable


class Calls:
    """The calls of one client, one at a time. One that is not back in time is left to itself, and was the client's last."""

    def __init__(self) -> None:
        self._last: threading.Thread | None = None

    def make(self, call: Callable[[], None], seconds: float) -> None:
        """Raises what the call raises; TimeoutError when it is not back after `seconds`."""
        raised: list[Exception] = []

        def run() -> None:
            try:
                call()
            except Exception as error:  # noqa: BLE001 - raised again by who waits
                raised.append(error)

        self._last = threading.Thread(target=run, name="held call", daemon=True)
        self._last.start()
        self._last.join(seconds)
        if self._last.is_alive():
            raise TimeoutError(f"a call was not back after {seconds} s")
        if raised:
            raise raised[0]

    def then(self, end: Callable[[], None]) -> None:
        """Call `end` once no call is out any more: now, or in the background when one is back at last."""
        last = self._last
        if last is None or not last.is_alive():
            end()
            return

        def wait() -> None:
            last.join()
            end()

        threading.Thread(target=wait, name="ending a held client", daemon=True).start()
