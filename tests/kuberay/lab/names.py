"""The names that pods look up, by a DNS server: gRPC asks one even for what stands in /etc/hosts, and hangs without."""

import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

Addresses = Mapping[str, tuple[str, ...]]
_PORT: Final = 53
_HEADER: Final = 12
_A: Final = 1
_KNOWN, _UNKNOWN = b"\x85\x80", b"\x85\x83"
_RECORD: Final = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4"  # the name that was asked for, an address, for a second


def answer(query: bytes, addresses: Addresses) -> bytes:
    """The reply to one question: the addresses of version 4, none of another kind, or that there is no such name."""
    at, labels = _HEADER, []
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode().lower())
        at += 1 + size
    known = addresses.get(".".join(labels))
    asked = int.from_bytes(query[at + 1 : at + 3], "big")
    found = (known or ()) if asked == _A else ()
    counts = b"\0\1" + len(found).to_bytes(2, "big") + b"\0\0\0\0"
    records = b"".join(_RECORD + socket.inet_aton(each) for each in found)
    return query[:2] + (_UNKNOWN if known is None else _KNOWN) + counts + query[_HEADER : at + 5] + records


class Names:
    """What is answered now; replaced as a whole."""

    def __init__(self) -> None:
        self.addresses: Addresses = {}

    @contextmanager
    def served(self, address: str) -> Iterator[None]:
        """Whoever asks at that address within the block is answered."""
        names = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                query, back = self.request
                back.sendto(answer(query, names.addresses), self.client_address)

        with socketserver.UDPServer((address, _PORT), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="names")
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()
