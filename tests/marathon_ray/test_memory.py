"""What a run has left is given back: cycles, and memory that nobody uses."""

import gc
import platform
import weakref
from collections.abc import Iterator

import psutil
import pytest

from marathon_ray.memory import give_back

MIB = 1 << 20


@pytest.fixture
def _by_hand() -> Iterator[None]:
    """Python looks for no cycles by itself."""
    gc.disable()
    yield
    gc.enable()


class Knot:
    """It holds itself."""

    def __init__(self) -> None:
        self.own = self


@pytest.mark.usefixtures("_by_hand")
def test_what_holds_itself_is_gone() -> None:
    seen = weakref.ref(Knot())
    assert seen() is not None
    give_back()
    assert seen() is None


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc_trim is of the GNU C library")
def test_pages_below_one_that_is_in_use_go_back_to_the_system() -> None:
    many = [bytes(1000) for _ in range(100_000)]
    last, many = many[-1], []
    before = psutil.Process().memory_info().rss
    give_back()
    assert before - psutil.Process().memory_info().rss > 50 * MIB
    assert len(last) == 1000
