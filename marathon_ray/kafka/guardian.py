"""The process that owns a local cluster: its directory, its ports, its brokers; when its lease lapses all of them go.

It runs in a session of its own, apart from the driver, and imports the standard library only: it is started as a file
(``python -I guardian.py ORDER``), so it is up at once and needs nothing of what the driver has loaded.
One thread serves requests of one JSON line each on a Unix socket; every request is instantaneous, waiting is the
driver's business.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SOCKET = "guardian.sock"
TICK = 0.05  # seconds between two looks at leases, children and who is to be revived
LOCK_WITHIN = 30.0  # seconds to wait for another program that is just creating or clearing a cluster
REQUEST_WITHIN = 1.0  # seconds a client has to send its line
ENDING_WITHIN = 20.0  # seconds that killed processes have to disappear
PORTS = range(20000, 60000)  # given out when none is asked for, as far as they are below the ephemeral range
_PDEATHSIG = 1
Answer = dict[str, Any]  # to a request


class RefusedError(Exception):
    """The request cannot be met; the text is one line for the person who asked."""


@dataclass(frozen=True)
class Order:
    """What a guardian is asked to create: ``home`` must not exist yet, its parent must."""

    home: str
    ports: int
    first_port: int | None
    lease: float


# --- files: who holds what is a lock on the directory itself, which the kernel lets go of at death ---


def lock(directory: Path, *, within: float) -> int:
    """Lock a directory for this process alone and return its descriptor; RefusedError after ``within`` seconds."""
    descriptor = os.open(directory, os.O_RDONLY)
    deadline = time.monotonic() + within
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise RefusedError(f"{directory} is held by another program for more than {within:g} s") from None
            time.sleep(0.01)
        else:
            return descriptor


@contextlib.contextmanager
def locked(directory: Path, *, within: float = LOCK_WITHIN) -> Iterator[None]:
    """Hold the lock of a directory for the time of the block."""
    descriptor = lock(directory, within=within)
    try:
        yield
    finally:
        os.close(descriptor)


# --- ports: a bound socket that never listens keeps a port from everybody but the broker ---


def ephemeral_start() -> int:
    """Return the first port that the system gives to outgoing connections (32768 where it does not say)."""
    try:
        text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    except OSError:
        return 32768
    return int(text.split()[0])


def hold(port: int) -> socket.socket:
    """Take a port of 127.0.0.1, or raise OSError if anything has it.

    The bind is exclusive, so of two guardians one fails. Address reuse is allowed only afterwards: a broker's
    listener (which Java binds with reuse) fits beside it, an ordinary bind or an outgoing connection never does,
    not even while the broker is down.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.bind(("127.0.0.1", port))
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        holder.close()
        raise
    return holder


def hold_from(first: int, count: int) -> dict[int, socket.socket]:
    """Take ``count`` ports in a row, exactly from ``first`` on; RefusedError names the one that is taken."""
    held: dict[int, socket.socket] = {}
    for port in range(first, first + count):
        try:
            held[port] = hold(port)
        except OSError as error:
            for holder in held.values():
                holder.close()
            raise RefusedError(f"port {port} of 127.0.0.1 is taken or not allowed: {error}") from None
    return held


def hold_any(count: int) -> dict[int, socket.socket]:
    """Take ``count`` free ports, below the ephemeral range unless that leaves too few (a held port is safe in it too).

    The search starts anywhere, so that a client of an earlier cluster does not find this one behind its old address.
    """
    below = range(PORTS.start, min(PORTS.stop, ephemeral_start()))
    span = below if len(below) >= 1000 else PORTS
    start = int.from_bytes(os.urandom(4)) % len(span)
    held: dict[int, socket.socket] = {}
    for port in (*span[start:], *span[:start]):
        if len(held) == count:
            return held
        with contextlib.suppress(OSError):
            held[port] = hold(port)
    raise RefusedError(f"no {count} free ports between {span.start} and {span.stop}")


# --- children ---


@dataclass
class Child:
    """One broker process; its pid is ours until we have reaped it, so a signal never meets a stranger."""

    process: subprocess.Popen[bytes]
    argv: Sequence[str]
    log: str
    revive_at: float | None = None
    paused: bool = False

    def state(self) -> str:
        if self.process.poll() is not None:
            return "down"
        return "paused" if self.paused else "up"

    def signal(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.paused = (self.paused or number == signal.SIGSTOP) and number != signal.SIGCONT
        self.revive_at = None

    def is_due(self, now: float) -> bool:
        """Whether it shall live again now; one that is ending in good order is waited for."""
        return self.revive_at is not None and now >= self.revive_at and self.state() != "up"


def die_with(parent: int) -> Callable[[], None]:
    """Return what a child does before it becomes the broker: ask to be killed when its guardian dies (Linux)."""
    library = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        if sys.platform == "linux":
            library.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


# --- the guardian ---


@dataclass
class Guardian:
    """Owns everything that was created for one cluster, and answers requests about it."""

    home: Path
    listener: socket.socket
    ports: dict[int, socket.socket]
    deadline: float
    children: dict[int, Child] = field(default_factory=dict)
    ending: bool = False

    def answer(self, request: Mapping[str, Any]) -> Answer:
        """Do what is asked and say what holds then; RefusedError, KeyError or TypeError if it cannot be done."""
        actions: dict[str, Callable[..., Answer]] = {
            "start": self.start,
            "signal": self.signal,
            "forget": self.forget,
            "reserve": self.reserve,
            "renew": self.renew,
            "status": self.status,
            "end": self.end,
        }
        arguments = dict(request)
        return actions[arguments.pop("do")](**arguments)

    def start(self, *, node: int, argv: Sequence[str], log: str) -> Answer:
        if node in self.children and self.children[node].state() != "down":
            raise RefusedError(f"node {node} is running already, with pid {self.children[node].process.pid}")
        with Path(log).open("ab") as output:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                preexec_fn=die_with(os.getpid()),  # noqa: PLW1509  this process has one thread
            )
        self.children[node] = Child(process, argv, log)
        return self.status()

    def signal(self, *, node: int, number: int, revive_after: float | None = None, argv: Sequence[str] = ()) -> Answer:
        child = self.children[node]
        child.signal(number)
        child.argv = argv or child.argv
        if revive_after is not None:
            child.revive_at = time.monotonic() + revive_after
        return self.status()

    def revive(self, node: int, child: Child) -> None:
        """Thaw it, or start it again; one that cannot be started stays down."""
        child.revive_at = None
        if child.state() == "paused":
            child.signal(signal.SIGCONT)
        else:
            with contextlib.suppress(OSError):
                self.start(node=node, argv=child.argv, log=child.log)

    def forget(self, *, node: int, ports: Sequence[int]) -> Answer:
        if self.children[node].state() != "down":
            raise RefusedError(f"node {node} is still running")
        del self.children[node]
        for port in ports:
            self.ports.pop(port).close()
        return self.status()

    def reserve(self, *, count: int) -> Answer:
        held = hold_any(count)
        self.ports.update(held)
        return {"ports": list(held)}

    def renew(self, *, seconds: float) -> Answer:
        self.deadline = time.monotonic() + seconds
        return {"lease": seconds}

    def status(self) -> Answer:
        nodes = {
            str(node): {"pid": child.process.pid, "state": child.state(), "exit": child.process.returncode}
            for node, child in self.children.items()
        }
        return {"nodes": nodes, "lease": self.deadline - time.monotonic(), "guardian": os.getpid()}

    def end(self) -> Answer:
        self.ending = True
        return {}

    def tick(self) -> None:
        """Revive who is due, reap what has ended, and end when nobody has renewed the lease in time."""
        now = time.monotonic()
        for node, child in list(self.children.items()):
            if child.is_due(now):
                self.revive(node, child)
            child.process.poll()
        self.ending = self.ending or now >= self.deadline

    def close(self) -> None:
        """Leave nothing: processes (a frozen one too), directory, ports."""
        for child in self.children.values():
            child.signal(signal.SIGKILL)
        deadline = time.monotonic() + ENDING_WITHIN
        for child in self.children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
        shutil.rmtree(self.home, ignore_errors=True)
        for holder in (self.listener, *self.ports.values()):
            holder.close()


def take(order: Order) -> Guardian:
    """Create the directory, lock it and hold the ports, all or nothing. RefusedError says what is in the way."""
    home = Path(order.home)
    with locked(home.parent):
        held = hold_from(order.first_port, order.ports) if order.first_port else hold_any(order.ports)
        try:
            home.mkdir(mode=0o700)
        except OSError as error:
            reason = "there is one of that name" if error.errno == errno.EEXIST else str(error.strerror)
            raise RefusedError(f"cluster {home.name} cannot be made in {home.parent}: {reason}") from None
        lock(home, within=0)  # never closed: held for as long as this process lives
        try:
            listener = listen(home / SOCKET)
        except OSError as error:
            home.rmdir()
            raise RefusedError(f"cluster {home.name} cannot be made in {home.parent}: {error}") from None
        return Guardian(home, listener, held, time.monotonic() + order.lease)


def listen(path: Path) -> socket.socket:
    """Return a Unix socket that listens at ``path``; a client that goes away before its turn blocks nobody."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(16)
    listener.settimeout(REQUEST_WITHIN)
    return listener


def serve(guardian: Guardian) -> None:
    """Answer requests until the cluster is to end, then remove it; who asked for the end hears when it is over."""
    waiting: list[socket.socket] = []
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(guardian.listener, selectors.EVENT_READ)
            while not guardian.ending:
                for _ in selector.select(TICK):
                    waiting = [serve_one(guardian)]
                guardian.tick()
    finally:
        guardian.close()
        for connection in waiting:
            connection.close()


def serve_one(guardian: Guardian) -> socket.socket:
    """Answer one client; the connection stays open if its request is the end (closed when all is gone)."""
    connection, _ = guardian.listener.accept()
    connection.settimeout(REQUEST_WITHIN)
    with contextlib.suppress(OSError):
        with connection.makefile("rb") as lines:
            reply = reply_to(guardian, lines.readline())
        connection.sendall(json.dumps(reply).encode() + b"\n")
    if not guardian.ending:
        connection.close()
    return connection


def reply_to(guardian: Guardian, line: bytes) -> Answer:
    """Answer one line; what cannot be done is answered too, never raised."""
    try:
        return guardian.answer(json.loads(line))
    except RefusedError as error:
        return {"error": str(error)}
    except (KeyError, TypeError, ValueError, OSError) as error:
        return {"error": f"the guardian cannot do {line.decode(errors='replace').strip()}: {error!r}"}


def detach() -> None:
    """Leave the driver's family: the caller's process ends here, its child goes on in a session of its own.

    SIGTERM waits until there is something to end.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if os.fork():
        os._exit(0)
    with contextlib.suppress(PermissionError):
        os.setsid()
    os.chdir("/")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def announce(message: Mapping[str, Any], log: Path | None = None) -> None:
    """Tell the driver on standard output how it went, then cut the last tie to it."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")
    target = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor in (1, 2):
        os.dup2(target, descriptor)
    os.close(target)


def main() -> None:
    """Create what the order in ``argv`` asks for and guard it until its lease lapses or somebody ends it."""
    detach()
    try:
        guardian = take(Order(**json.loads(sys.argv[1])))
    except RefusedError as error:
        announce({"error": str(error)})
        return
    signal.signal(signal.SIGTERM, lambda *_: guardian.end())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    announce({"ports": list(guardian.ports)}, guardian.home / "guardian.log")
    serve(guardian)


if __name__ == "__main__":
    main()
