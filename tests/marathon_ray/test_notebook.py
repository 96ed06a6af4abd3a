"""A run in a notebook is one place that is drawn anew; IPython in a terminal has lines, and a program hears nothing."""

import subprocess
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from marathon_ray.audience import Nobody
from marathon_ray.live import Plain
from marathon_ray.notebook import Cell, onlooker
from marathon_ray.promises.promise import Verdict
from tests.marathon_ray.report import sample

ROUNDS = list(sample.rounds(130))
BROKEN = Verdict("Integrity(orders)", "all is there", "3 <lost>", "failed", safety=True)


class Place:
    """Remembers what stood in it."""

    def __init__(self) -> None:
        self.contents: list[Mapping[str, str]] = []

    def update(self, content: Mapping[str, str], *, raw: bool) -> None:
        assert raw
        self.contents.append(content)

    @property
    def text(self) -> list[str]:
        return [line.strip() for line in self.contents[-1]["text/plain"].splitlines()]


def in_ipython(monkeypatch: pytest.MonkeyPatch, shell: object, place: Place) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    shown: Any = SimpleNamespace(display=lambda content, raw, display_id: place)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)


def test_a_program_hears_nothing_and_ipython_is_not_loaded_for_it() -> None:
    look = "from marathon_ray.notebook import onlooker; import sys; print(type(onlooker('x')).__name__, 'IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["Nobody", "False"]


def test_whoever_suits_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    in_ipython(monkeypatch, None, Place())
    assert isinstance(onlooker("x"), Nobody)
    in_ipython(monkeypatch, SimpleNamespace(), Place())
    assert isinstance(onlooker("x"), Plain)
    in_ipython(monkeypatch, SimpleNamespace(kernel=object()), Place())
    assert isinstance(onlooker("x"), Cell)


def test_one_place_has_the_news_above_the_newest_picture() -> None:
    place = Place()
    cell = Cell("kill-leader", place)
    cell.note("cluster k-1")
    assert place.text == ["cluster k-1", "kill-leader"]
    for round_ in ROUNDS[:62]:
        cell.round(round_, [BROKEN])
    assert len(place.contents) == 1 + 62
    assert place.text[0] == "cluster k-1"
    assert sum("broken: Integrity(orders)" in line for line in place.text) == 1
    assert "1 min 1 s  fault kill leader is on" in place.text
    assert [line.split()[0] for line in place.text[-6:-1]] == ["fleet", "auditors", "writers", "readers", "lag"]
    assert place.text[-1].split("   ") == ["broken", "Integrity(orders)", "3 <lost>"]


def test_only_the_last_news_are_kept() -> None:
    place = Place()
    cell = Cell("x", place)
    for number in range(100):
        cell.note(f"note {number}")
    assert place.text == [*(f"note {number}" for number in range(88, 100)), "x"]


def test_what_a_scenario_says_is_no_markup() -> None:
    place = Place()
    Cell("x", place).note("<script>[red]a[/red]")
    assert "<script>" not in place.contents[-1]["text/html"]
    assert place.text[0] == "<script>[red]a[/red]"
