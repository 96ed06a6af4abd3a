"""A Ray that cannot be reached is told at once; Ray itself would try for minutes."""

import socket

import pytest

from marathon_ray.places.on_ray import connect


def test_an_address_where_nobody_listens_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ConnectionError, match=f"^Ray at 127.0.0.1:{port}: .*refused$"):
        connect(f"127.0.0.1:{port}")


def test_a_proxy_is_refused() -> None:
    with pytest.raises(ConnectionError, match=r"^Ray at ray://127.0.0.1:1: give HOST:PORT of the head"):
        connect("ray://127.0.0.1:1")
