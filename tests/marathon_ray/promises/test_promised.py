"""What a verdict says in a few words of what was promised, for the line that stands beside what was found."""

import pytest

from marathon_ray import Drained, Integrity, KeepsRate, Latency, Promise, WritableAgain
from marathon_ray.balance import Balance
from marathon_ray.promises.generator import GeneratorHonest
from marathon_ray.promises.promise import Ending
from tests.marathon_ray.promises.rounds import DECLARED, FOR_EVER, ORDINALS


@pytest.mark.parametrize(
    ("promise", "words"),
    [
        (Integrity("orders"), "all there, once and in order"),
        (Latency("writers", below="1 s"), "below 1 s"),
        (KeepsRate("writers", at_least="95 %"), "at least 95 %"),
        (KeepsRate("writers", at_least="3 MB/s"), "at least 3 MB/s"),
        (WritableAgain("orders", within="60 s"), "60 s"),
        (Drained("readers", within="5 min"), "5 min"),
        (GeneratorHonest(), "at most 1 %"),
    ],
)
def test_each_promise_of_ours_has_its_limit_in_few_words(promise: Promise, words: str) -> None:
    assert (
        promise.verdict(
            promise.begin(DECLARED, ORDINALS), Ending(DECLARED, ORDINALS, Balance({}), kept=FOR_EVER)
        ).promised
        == words
    )


def test_what_the_settings_allow_is_not_promised() -> None:
    bold = Integrity("loose")
    ending = Ending(DECLARED, ORDINALS, Balance({}), kept=FOR_EVER)
    promised = bold.verdict(bold.begin(DECLARED, ORDINALS), ending).promised
    assert promised.startswith("all there, once and in order, but for what the settings allow (")
