"""The catalogue in the docs is the one of the code."""

import marathon_ray
from tests.reference import PAGE, page


def test_the_catalogue_in_the_docs_is_the_one_of_the_code() -> None:
    assert PAGE.read_text() == page(), "write it anew: python -m tests.reference > docs/catalogue.md"


def test_the_catalogue_names_all_that_a_scenario_may_use() -> None:
    words = {
        "Promise",
        "Fault",
        "Scenario",
        "Toolkit",
        "Cluster",
        "Duration",
        "Rate",
        "Share",
        "Size",
        "Version",
    }  # contracts and units
    missing = [name for name in marathon_ray.__all__ if name not in words and name not in page()]
    assert missing == []
