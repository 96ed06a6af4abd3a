"""Fleets are cut so that nothing is missing, nothing is done twice, and little moves when their size changes."""

from collections import Counter, defaultdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.pace import SECOND, Knot
from actors.spec import Auditors, Consumers, Producers, Transactors, WorkerSpec, assign
from actors.units import UNLIMITED, Rate

topics = st.dictionaries(st.sampled_from("abc"), st.integers(1, 60), min_size=1)
sizes = st.integers(1, 40)
caps = st.integers(1, 6)


def producers(**fields: object) -> Producers:
    return Producers.model_validate({"to": "a", **fields})


def refusal(spec: type[WorkerSpec], **fields: object) -> str:
    with pytest.raises(ValidationError) as refused:
        spec.model_validate(fields)
    return str(refused.value.errors()[0]["msg"])


def places(partitions: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple((topic, partition) for topic, count in partitions.items() for partition in range(count))


@given(partitions=topics, cap=caps, of=sizes)
def test_every_partition_has_its_number_of_writers_and_workers_have_equal_parts(
    partitions: dict[str, int], cap: int, of: int
) -> None:
    hands = assign(places(partitions), cap, of)
    writers = Counter(place for hand in hands for place in hand)
    assert writers == dict.fromkeys(places(partitions), min(cap, of))
    assert all(len(set(hand)) == len(hand) for hand in hands)
    assert max(map(len, hands)) - min(map(len, hands)) <= 1
    assert len(hands) == of


@given(partitions=topics, cap=caps, of=sizes)
def test_one_worker_more_takes_its_part_and_nothing_else_moves(partitions: dict[str, int], cap: int, of: int) -> None:
    before, after = assign(places(partitions), cap, of), assign(places(partitions), cap, of + 1)
    assert all(set(new) <= set(old) for old, new in zip(before, after[:-1], strict=True))
    moved = sum(map(len, before)) - sum(map(len, after[:-1]))
    assert moved <= len(places(partitions)) * min(cap, of) / (of + 1)


@given(partitions=topics, cap=caps, of=sizes, amount=st.integers(1, 10**9), unit=st.sampled_from(["records/s", "B/s"]))
def test_slices_of_producers_add_up_to_the_fleet(
    partitions: dict[str, int], cap: int, of: int, amount: int, unit: str
) -> None:
    whole = producers(to=tuple(partitions), rate=f"{amount} {unit}", writers_per_partition=cap)
    slices = [whole.slice(index, of, partitions) for index in range(of)]
    assert sum(part.rate.amount or 0 for part in slices) == amount
    assert {part.rate.unit for part in slices} == {whole.rate.unit}
    covered = {(topic, p) for part in slices for topic, ps in part.partitions.items() for p in ps}
    assert covered == set(places(partitions))
    assert [part.index for part in slices] == list(range(of))


@given(partitions=topics, cap=caps, of=sizes)
def test_each_partition_gets_the_same_share_of_the_rate(partitions: dict[str, int], cap: int, of: int) -> None:
    whole = producers(to=tuple(partitions), rate="1000000/s", writers_per_partition=cap)
    load: defaultdict[tuple[str, int], Fraction] = defaultdict(Fraction)
    for part in (whole.slice(index, of, partitions) for index in range(of)):
        mine = [(topic, p) for topic, ps in part.partitions.items() for p in ps]
        for place in mine:
            load[place] += (part.rate.amount or Fraction(0)) / len(mine)
    assert set(load.values()) == {Fraction(1_000_000, len(places(partitions)))}


@given(partitions=topics, of=sizes)
def test_each_partition_has_one_auditor(partitions: dict[str, int], of: int) -> None:
    whole = Auditors(of=tuple(partitions))
    slices = [whole.slice(index, of, partitions) for index in range(of)]
    audited = Counter((topic, p) for part in slices for topic, ps in part.partitions.items() for p in ps)
    assert audited == dict.fromkeys(places(partitions), 1)


@given(of=sizes, amount=st.integers(1, 10**9))
def test_slices_of_consumers_add_up_to_the_fleet(of: int, amount: int) -> None:
    whole = Consumers.model_validate({"of": "a", "group": "live", "rate": f"{amount}/s"})
    assert sum(whole.slice(index, of, {}).rate.amount or 0 for index in range(of)) == amount


@given(partitions=topics, cap=caps, of=sizes)
def test_a_slice_survives_its_journey_as_json(partitions: dict[str, int], cap: int, of: int) -> None:
    whole = producers(to=tuple(partitions), rate="7 MB/s", curve="0 s 10 %, 5 min 100 %", writers_per_partition=cap)
    for part in (whole.slice(index, of, partitions) for index in range(of)):
        assert Producers.model_validate_json(part.model_dump_json()) == part


def test_a_worker_for_whom_no_partition_is_left_has_rate_0() -> None:
    part = producers(rate="100/s", writers_per_partition=1).slice(2, 3, {"a": 2})
    assert (part.partitions, part.rate) == ({}, Rate(Fraction(0)))


def test_unlimited_stays_unlimited_in_every_slice() -> None:
    assert producers().slice(1, 3, {"a": 6}).rate == UNLIMITED
    assert producers().schedule() == ()


def test_transactors_are_numbered_and_otherwise_alike() -> None:
    whole = Transactors(of=("a",), to=("b",), group="copy")
    assert whole.slice(3, 5, {}) == whole.model_copy(update={"index": 3})


def test_slices_outside_the_fleet_or_of_slices_or_of_unknown_topics_are_refused() -> None:
    for index, of in (2, 2), (-1, 2), (0, 0):
        with pytest.raises(ValueError, match=f"no slice {index} in a fleet of {of}"):
            producers().slice(index, of, {"a": 1})
    with pytest.raises(ValueError, match="this is slice 0 of a fleet already: slice the whole"):
        producers().slice(0, 2, {"a": 1}).slice(0, 2, {"a": 1})
    with pytest.raises(ValueError, match="topic a: None partitions; the number is needed"):
        producers().slice(0, 2, {"b": 1})
    with pytest.raises(ValueError, match="topic a: 0 partitions; the number is needed"):
        Auditors(of=("a",)).slice(0, 2, {"a": 0})


def test_a_schedule_scales_the_rate_by_the_curve_and_bytes_by_the_mean_size() -> None:
    spec = producers(rate="1024 KiB/s", size="2 KiB", curve="0 s 10 %, 1 min 300 %")
    assert spec.schedule() == (Knot(0, Fraction("51.2")), Knot(60 * SECOND, Fraction(1536)))
    assert producers(rate="90 records/min").schedule() == (Knot(0, Fraction(3, 2)),)


def test_a_curve_is_read_whole_in_parts_or_as_pairs() -> None:
    read = {
        producers(rate="1/s", curve=curve).curve
        for curve in ("0 s 10 %, 1 min 300 %", ["0 s 10 %", "1 min 300 %"], [[0, 0.1], ["1 min", 3]])
    }
    assert read == {((0.0, 0.1), (60.0, 3.0))}
    assert "curve '10 %': write times" in refusal(Producers, to="a", rate="1/s", curve=["0 s 10 %", "10 %"])


def test_one_topic_or_several_are_named() -> None:
    assert producers(to="a").to == ("a",)
    assert producers(to=["a", "b"]).to == ("a", "b")
    for wrong in (), ("a", "a"), "":
        assert "name one or more, each once" in refusal(Producers, to=wrong)


def test_acks_are_taken_as_kafka_writes_them() -> None:
    assert producers(acks=-1).acks == producers(acks="-1").acks == producers(acks="all").acks == "all"
    assert producers(acks=1, idempotent=False).acks == "1"
    assert producers(acks="0", idempotent=False).acks == "0"
    assert "acks=1 cannot be idempotent: add idempotent=False, or use acks=all" in refusal(Producers, to="a", acks=1)
    assert "'all', '1' or '0'" in refusal(Producers, to="a", acks=2)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("acks", "use the field acks"),
        ("request.required.acks", "use the field acks"),
        ("enable.idempotence", "use the field idempotent"),
        ("group.id", "use the field group"),
        ("isolation.level", "use the field isolation"),
        ("enable.auto.commit", "offsets are committed once a tally has arrived"),
        ("auto.offset.reset", "use the field begin"),
        ("allow.auto.create.topics", "it is always false"),
        ("bootstrap.servers", "the cluster says where it is"),
        ("transactional.id", "the run names its transactions"),
    ],
)
def test_properties_that_the_bench_owns_are_refused_with_the_right_place_for_them(name: str, advice: str) -> None:
    for spec, needed in (Producers, {"to": "a"}), (Consumers, {"of": "a", "group": "g"}), (Auditors, {"of": "a"}):
        message = refusal(spec, **needed, properties={name: "x"})
        assert f"property {name} is not for a fleet to set: {advice}" in message
        assert "\n" not in message


def test_other_properties_pass_as_the_texts_that_librdkafka_reads() -> None:
    given_ = {"linger.ms": 5, "socket.nagle.disable": True, "compression.type": "zstd"}
    passed = {"linger.ms": "5", "socket.nagle.disable": "true", "compression.type": "zstd"}
    assert producers(properties=given_).properties == passed


def test_mistakes_are_refused_in_one_line_that_names_them() -> None:
    assert "rate 0 records/s: it is above 0, or unlimited" in refusal(Producers, to="a", rate="0/s")
    assert "rate 0 records/s: it is above 0" in refusal(Consumers, of="a", group="g", rate="0/s")
    assert "a curve needs a rate" in refusal(Producers, to="a", curve="0 s 10 %")
    assert "curve: 1 s does not come after 1 s" in refusal(Producers, to="a", rate="1/s", curve="1 s 10 %, 1 s 20 %")
    assert "at some time its share of the rate is above 0" in refusal(Producers, to="a", rate="1/s", curve="0 s 0 %")
    assert "curve '10 %': write times and shares" in refusal(Producers, to="a", rate="1/s", curve="10 %")
    assert "topic a is copied to itself" in refusal(Transactors, of="a", to=["b", "a"], group="g")
    assert "Extra inputs are not permitted" in refusal(Producers, to="a", speed=1)
    assert "greater than 0" in refusal(Transactors, of="a", to="b", group="g", timeout="0 s")
    assert "at least 1 character" in refusal(Consumers, of="a", group="")


def test_a_fleet_of_200_on_1000_partitions_has_4000_streams() -> None:
    hands = assign(places({"a": 1000}), 4, 200)
    assert sum(map(len, hands)) == 4000
    assert {len(hand) for hand in hands} == {20}
