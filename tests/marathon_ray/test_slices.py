"""Who comes later goes on where the fleet is: on the curve of its rate, and in what is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.pace import SECOND, due
from actors.spec import Auditors, Consumers, Producers, Stand
from marathon_ray.slices import aged, resumed

RAMP = Producers(to="t", rate="1000 records/s", curve="10 s 0 %, 30 s 100 %, 60 s 50 %")


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_curve_goes_on_as_if_its_worker_had_been_there_all_along(age: float, later: float) -> None:
    spec = aged(RAMP, age)
    assert isinstance(spec, Producers)
    there = due(spec.schedule(), round(later * SECOND))
    whole = due(RAMP.schedule(), round((age + later) * SECOND)) - due(RAMP.schedule(), round(age * SECOND))
    assert float(there) == pytest.approx(float(whole), abs=0.01)


def test_what_has_no_curve_does_not_age() -> None:
    for spec in (Producers(to="t", rate="1 records/s"), Consumers(of="t", group="g"), RAMP):
        assert aged(spec, 0.0) is spec
    assert aged(Consumers(of="t", group="g"), 5.0) == Consumers(of="t", group="g")


def test_an_auditors_passes_go_on_where_they_stood() -> None:
    def stand(topic: str, partition: int) -> tuple[Stand, Stand]:
        return (len(topic) + partition, 7), (partition, 3)

    spec = Auditors(of=("ab", "abc")).slice(0, 1, {"ab": 2, "abc": 1})
    again = resumed(spec, stand)
    assert isinstance(again, Auditors)
    assert again.begin == {"ab": {0: ((2, 7), (0, 3)), 1: ((3, 7), (1, 3))}, "abc": {0: ((3, 7), (0, 3))}}


def test_who_has_no_passes_begins_as_it_would() -> None:
    assert resumed(RAMP, lambda *_: pytest.fail("asked")) is RAMP
