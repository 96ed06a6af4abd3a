"""A receiver of alerts that refuses every second call, as long as it `refuses`."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

_TAKEN, _REFUSED = 200, 503


class Moody:
    """A context in which it listens at `address`. `taken` has the messages that it took, as lines; `refused` counts."""

    def __init__(self) -> None:
        self.taken: Final[list[list[str]]] = []
        self.refused = 0
        self.refuses = True
        self._lock = threading.Lock()
        moody = self

        class _Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(moody.hear([given["title"], *given["message"].splitlines()]))
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        """As apprise reads it."""
        return f"json://127.0.0.1:{self._server.server_port}/"

    def hear(self, lines: list[str]) -> int:
        """One call, and the status that it gets; the first is refused."""
        with self._lock:
            if self.refuses and self.refused <= len(self.taken):
                self.refused += 1
                return _REFUSED
            self.taken.append(lines)
            return _TAKEN

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
