"""Names that tell who made what has them."""

import pytest

from actors.spec import Auditors, Consumers, Producers, Transactors
from marathon_ray.names import Names, run_of

NAMES = Names("bench", "0123abcd")


def test_a_name_leads_back_to_its_run() -> None:
    assert NAMES.of("orders") == "m-bench-0123abcd-orders"
    assert run_of(NAMES.of("orders"), bench="bench") == "0123abcd"


@pytest.mark.parametrize(
    "name", ["orders", "m-other-0123abcd-orders", "m-bench-0123abc-orders", "m-bench-0123abcd", "m-bench-0123abcd-", ""]
)
def test_what_others_made_leads_to_no_run(name: str) -> None:
    assert run_of(name, bench="bench") is None


def test_specs_are_given_the_names_that_the_cluster_knows() -> None:
    of, to = ("m-bench-0123abcd-orders",), ("m-bench-0123abcd-copies",)
    assert NAMES.given(Producers(to=("orders",))).to == of
    assert NAMES.given(Auditors(of=("orders",))).of == of
    consumers = NAMES.given(Consumers(of=("orders",), group="live"))
    assert (consumers.of, consumers.group) == (of, "m-bench-0123abcd-live")
    transactors = NAMES.given(Transactors(of=("orders",), to=("copies",), group="copy"))
    assert (transactors.of, transactors.to, transactors.group) == (of, to, "m-bench-0123abcd-copy")


@pytest.mark.parametrize(("bench", "run"), [("a-b", NAMES.run), ("", NAMES.run), ("A", NAMES.run), ("bench", "12")])
def test_names_that_could_not_be_told_apart_are_refused(bench: str, run: str) -> None:
    with pytest.raises(ValueError, match=r"bench|run"):
        Names(bench, run)
