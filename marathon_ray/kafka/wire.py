"""One request to exactly one broker on a connection of its own: no client library's cache or retry in between."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

Address = tuple[str, int]
_CLIENT = b"marathon"


@dataclass
class Reader:
    """A cursor over an answer in Kafka's classic (not flexible) encoding; OSError where it is too short."""

    data: bytes
    at: int = 0

    def _take(self, layout: str) -> int:
        size = struct.calcsize(layout)
        value: int
        (value,) = struct.unpack(layout, self._bytes(size))
        return value

    def _bytes(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise OSError(f"the answer of {len(self.data)} bytes ends early: {size} more are needed at {self.at}")
        self.at += size
        return found

    def int8(self) -> int:
        return self._take(">b")

    def int16(self) -> int:
        return self._take(">h")

    def int32(self) -> int:
        return self._take(">i")

    def ints(self) -> tuple[int, ...]:
        return tuple(self.int32() for _ in range(self.int32()))

    def text(self) -> str | None:
        size = self.int16()
        return None if size < 0 else self._bytes(size).decode(errors="replace")


def string(value: str) -> bytes:
    """Encode a string with its two bytes of length."""
    return struct.pack(">h", len(value.encode())) + value.encode()


def exchange(address: Address, request: bytes, *, timeout: float) -> Reader:
    """Send a request (a header and a body) and return the answer behind its correlation id.

    Raises OSError if the broker does not answer within ``timeout`` seconds a step.
    """
    with socket.create_connection(address, timeout) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _receive(connection, 4))
        return Reader(_receive(connection, size), at=4)


def header(api: int, version: int) -> bytes:
    """Return a request header of version 1: api key, api version, correlation id, client id."""
    return struct.pack(">hhih", api, version, 1, len(_CLIENT)) + _CLIENT


def _receive(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionResetError(f"the broker closed the connection after {len(parts)} of {size} bytes")
        parts += part
    return bytes(parts)
