"""A scenario's fields are flags: single ones of what is declared are changed, and a mistake costs a line or two."""

import dataclasses

import pytest

from actors.load import ZipfKeys
from actors.spec import Auditors, Consumers, Producers
from actors.units import Duration, Rate
from marathon_ray.commands import run
from marathon_ray.fields import OPTIONS, Flag, build, flags
from marathon_ray.kafka.topics import Topic
from marathon_ray.scenario import Scenario
from marathon_ray.usage import UsageError


class Play(Scenario):
    """It holds."""

    orders: Topic = Topic(partitions=48, retention="unlimited")
    writers: Producers = Producers(to="orders", rate="100 MB/s", keys="zipf 1.1 of 1000", curve="0 s 10 %, 1 min 100 %")
    readers: Consumers = Consumers(of="orders", group="live", properties={"fetch.min.bytes": 3})
    audit: Auditors = Auditors(of="orders")
    steady: Duration = 300


class Needy(Scenario):
    """It holds."""

    orders: Topic
    times: int


class Bare(Needy):
    """A fleet without a default, too."""

    writers: Producers


class Taken(Scenario):
    """It holds."""

    seed: int = 1


def refused(scenario: type[Scenario], *arguments: str) -> str:
    with pytest.raises(UsageError) as caught:
        build(scenario, arguments)
    return str(caught.value)


def test_one_field_of_a_fleet_changes_and_all_others_stay_as_declared() -> None:
    play = build(Play, ["--writers.rate", "300 MB/s", "--orders.partitions=12", "--steady", "5 s"])
    assert isinstance(play, Play)
    assert type(play) is Play
    changed = {"rate": Rate.parse("300 MB/s")}
    assert play.writers == Play().writers.model_copy(update=changed)
    assert isinstance(play.writers.keys, ZipfKeys)
    assert play.orders == Play().orders.model_copy(update={"partitions": 12})
    assert (play.readers, play.audit, play.steady) == (Play().readers, Play().audit, 5.0)


def test_without_flags_it_is_as_declared() -> None:
    assert build(Play) == Play()


@pytest.mark.parametrize("value", ["60 % 2 KiB, 40 % 100 B", "100 B..4 KiB", "lognormal 1 KiB sigma 0.5", "2 KiB"])
def test_a_text_with_spaces_and_commas_arrives_whole(value: str) -> None:
    assert build(Play, ["--writers.size", value]).fleets["writers"] == Play().writers.model_validate(
        {**Play().writers.model_dump(), "size": value}
    )


def test_several_topics_and_settings_of_kafka_can_be_given() -> None:
    play = build(Play, ["--writers.to", "orders,bills", "--orders.config", '{"segment.bytes": 1048576}'])
    assert play.model_dump()["writers"]["to"] == ("orders", "bills")
    assert play.topics["orders"].config == {"segment.bytes": "1048576"}


def test_no_variable_of_the_environment_leaks_into_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("steady", "STEADY", "orders", "ORDERS__PARTITIONS", "writers"):
        monkeypatch.setenv(name, '{"partitions": 1}')
    assert build(Play) == Play()


def test_what_must_be_given_is_asked_for() -> None:
    assert refused(Needy) == "needy.orders: Field required\nneedy.times: Field required"
    needy = build(Needy, ["--orders.partitions", "3", "--times", "2"])
    assert needy.model_dump()["times"] == 2
    assert needy.topics["orders"].partitions == 3


MISTAKES = {
    "a misspelt field": ("--writers.rat 4/s", "--writers.rat is not known; did you mean --writers.rate?"),
    "a misspelt fleet": ("--writer.rate 4/s", "--writer.rate is not known; did you mean --writers.rate?"),
    "a misspelt option": ("--clustr local", "--clustr is not known; did you mean --cluster?"),
    "what only a slice has": ("--writers.index 3", "--writers.index is not known; did you mean --writers.size?"),
    "a fleet as a whole": ("--audit {}", "--audit is not known; did you mean --audit.of?"),
    "no value": ("--writers.rate --steady 5", "--writers.rate needs a value"),
    "no value at the end": ("--writers.rate", "--writers.rate needs a value"),
    "a value alone": ("fast", "'fast' stands alone: write --FIELD VALUE, and a value with spaces in quotes"),
    "a flag twice": ("--steady 5 --steady 6", "--steady is given twice"),
    "a bad value": ("--orders.partitions 0", "play.orders.partitions '0': Input should be greater than or equal to 1"),
    "a bad unit": (
        "--writers.rate 4/fortnight",
        "play.writers: rate '4/fortnight': write 30k records/s, 30000/s, 200 MB/s, 50 MiB/s, 90 records/min, or unlimited",
    ),
    "values that contradict each other": (
        "--orders.replication 1 --writers.acks 1",
        """play.orders: min_insync 2 is more than the replication 1
play.writers: acks=1 cannot be idempotent: add idempotent=False, or use acks=all""",
    ),
}


@pytest.mark.parametrize(("given", "line"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_costs_a_line_or_two(given: str, line: str) -> None:
    assert refused(Play, *given.split()) == line


def test_a_field_with_the_name_of_an_option_is_refused() -> None:
    line = "taken: field seed has the name of an option of marathon run: name it otherwise"
    assert refused(Taken) == line


def test_no_option_of_a_run_can_be_taken_for_a_field() -> None:
    assert {one.name for one in dataclasses.fields(run.Options)} <= set(OPTIONS)


def test_every_flag_says_what_it_takes_and_its_default_as_one_would_write_it() -> None:
    known = {flag.name: flag for flag in flags(Play)}
    assert known["orders.partitions"] == Flag("orders.partitions", "integer", "48")
    assert known["orders.retention"] == Flag("orders.retention", "text", "unlimited")
    assert known["writers.rate"] == Flag("writers.rate", "rate", "100 MB/s")
    assert known["writers.workers"] == Flag("writers.workers", "integer", "")
    assert known["writers.idempotent"] == Flag("writers.idempotent", "true | false", "true")
    assert known["writers.keys"] == Flag("writers.keys", "text", "zipf 1.1 of 1000")
    assert known["readers.protocol"] == Flag("readers.protocol", "classic | consumer", "classic")
    assert known["readers.properties"] == Flag("readers.properties", "text", '{"fetch.min.bytes": "3"}')
    assert known["audit.trailing"] == Flag("audit.trailing", "duration", "5 min")
    assert known["steady"] == Flag("steady", "duration", "5 min")


def test_what_must_be_given_has_no_default_but_all_else_of_it_has() -> None:
    defaults = {flag.name: flag.default for flag in flags(Bare)}
    assert (defaults["times"], defaults["orders.partitions"], defaults["writers.to"]) == (None, None, None)
    assert (defaults["writers.rate"], defaults["writers.size"]) == ("unlimited", "1 KiB")


def test_every_default_can_be_given_as_it_is_written() -> None:
    asked = {flag.name: flag.default for flag in flags(Play) if flag.default and not flag.name.endswith("curve")}
    assert build(Play, [f"--{name}={default}" for name, default in asked.items()]) == Play()
