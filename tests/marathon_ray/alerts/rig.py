"""Events, and a server that takes messages as json:// sends them, in a manner of its own."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from marathon_ray.event import Event, Severity

Answer = Callable[[int], int]  # from the number of the call to the status


def broken(about: str, severity: Severity = Severity.CRITICAL, **changes: Any) -> Event:
    return Event(severity=severity, kind="k", about=about, message=f"<{about}> broke\nduring it", **changes)


def mended(about: str) -> Event:
    return Event(severity=Severity.INFO, kind="k", about=about, message=f"<{about}> is kept", over=True)


class Server:
    """`taken` are the messages that it said yes to, each as title and body; `calls` counts all."""

    def __init__(self, answer: Answer) -> None:
        self._answer, self.taken, self.calls = answer, list[str](), 0
        self.changed = threading.Condition()
        self.port = 0

    def call(self, text: str) -> int:
        with self.changed:
            number, self.calls = self.calls, self.calls + 1
            self.changed.notify_all()
        status = self._answer(number)
        with self.changed:
            if status < 300:
                self.taken.append(text)
            self.changed.notify_all()
        return status

    @property
    def address(self) -> str:
        return f"json://somebody:SECRETPASSWORD@127.0.0.1:{self.port}/SECRETPATH?+X-Key=SECRETHEADER"

    def until(self, holds: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(holds, timeout=120)


@contextmanager
def serving(answer: Answer) -> Iterator[Server]:
    server = Server(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(server.call(f"{said['title']}\n{said['message']}"))
            self.end_headers()

        def log_message(self, *some: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads, server.port = True, http.server_port
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
