"""Bad input of a run, as a user gives it on the command line and to `run`: a line or two, exit 2, and nothing was made.

What takes a real cluster to be found is in on_kafka/test_admin_bad_input.py, what takes a Ray in on_ray/test_bad_ray.py.
"""

from __future__ import annotations

import asyncio
import errno
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from marathon_ray import cli
from marathon_ray.catalogue import find
from marathon_ray.kafka.cluster import KafkaError
from marathon_ray.kafka.local import LocalKafka
from marathon_ray.places import on_ray
from marathon_ray.running import run
from marathon_ray.usage import UsageError

MINE: Final = '''from marathon_ray import *


class Mine(Scenario):
    """It holds."""

    orders: Topic = Topic(partitions=3)
    writers: Producers = Producers(to="orders", rate="1000/s")
    readers: Consumers = Consumers(of="orders", group="live")
{fields}

    def promises(self):
        {promises}

    async def workload(self, kit):
        await kit.steady("1 s")
'''


def mine(fields: str = "", promises: str = "return ()") -> str:
    """A user's own scenario with these fields and promises beside."""
    return MINE.format(fields="".join(f"    {line}\n" for line in fields.splitlines()), promises=promises)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user stands in an empty folder; who starts a Ray or a Kafka there fails. What is imported is forgotten."""

    def begun(*_: Any, **__: Any) -> None:
        raise AssertionError("that was begun")

    known = dict(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(on_ray, "connect", begun)
    monkeypatch.setattr(LocalKafka, "up", begun)
    monkeypatch.setenv("MARATHON_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in sys.modules.keys() - known.keys():
        del sys.modules[name]


def put(folder: Path, **files: str) -> set[Path]:
    """Write the files (`__` is a dot), and say what there is then."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return left(folder)


def left(folder: Path) -> set[Path]:
    """What is there, but for what Python and the (empty) home of local clusters have."""
    return {path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts} | {
        path for path in folder.iterdir() if path.name not in ("home", "__pycache__")
    }


# --- Fields and options -----------------------------------------------------------------------------------------------

DURATION: Final = "write 250 ms, 5 min, 1 h 30 min (d, h, min, s, ms, us, ns) or seconds, at most 1e+12"
FLAGS: Final = {
    "a misspelt scenario": ("run kill-leadr", "scenario 'kill-leadr' is not known; did you mean kill-leader?"),
    "a misspelt field": ("run kill-leader --stedy 3", "--stedy is not known; did you mean --steady?"),
    "a misspelt field of a field": (
        "run kill-leader --orders.partition 3",
        "--orders.partition is not known; did you mean --orders.partitions?",
    ),
    "a misspelt word": (
        "run kill-leader --readers.protocol clasic",
        "kill-leader.readers.protocol 'clasic': Input should be 'classic' or 'consumer'; did you mean classic?",
    ),
    "a number out of range": (
        "run kill-leader --orders.partitions 200000",
        "kill-leader.orders.partitions '200000': Input should be less than or equal to 100000",
    ),
    "a unit that there is not": (
        "run kill-leader --steady '5 minuts'",
        f"kill-leader.steady '5 minuts': duration '5 minuts': {DURATION}",
    ),
    "settings without their names": (
        "run kill-leader --orders.config x",
        """kill-leader.orders.config 'x': write KEY=VALUE,… or {"KEY": "VALUE"}""",
    ),
    "an option twice": ("run kill-leader --seed 3 --seed 4", "Parameter --seed specified multiple times."),
    "a field twice": ("run kill-leader --steady 3 --steady 4", "--steady is given twice"),
    "more in sync than there are": (
        "run kill-leader --orders.min_insync 4",
        "kill-leader.orders: min_insync 4 is more than the replication 3",
    ),
    "more replicas than a local cluster has brokers": (
        "run kill-leader --orders.replication 4",
        "orders: replication 4 is more than the cluster's 3 brokers; lower it with --orders.replication 3",
    ),
    "a rate of 0": (
        "run kill-leader --writers.rate 0/s",
        "kill-leader.writers: rate 0 records/s: it is above 0, or unlimited",
    ),
    "a record that is too small for its head": (
        "run kill-leader --writers.size 47",
        "kill-leader.writers.size.fixed.size '47': a value has 48 (its head) to 1000000000 bytes, not 47",
    ),
    "records that no client and no topic takes": (
        "run kill-leader --writers.size '2 MB'",
        (
            "writers: values of up to 2 MB, and message.max.bytes is 1000000: raise it in writers.properties\n"
            "writers: values of up to 2 MB, and max.message.bytes of orders is 1048588: raise it in orders.config"
        ),
    ),
    "records that the topic does not take": (
        "run kill-leader --orders.config max.message.bytes=1000",
        "writers: values of up to 1 KiB, and max.message.bytes of orders is 1000: raise it in orders.config",
    ),
    "a property that clients do not have": (
        "run kill-leader --writers.properties lingr.ms=5",
        'writers.properties: No such configuration property: "lingr.ms"',
    ),
    "workers without work": (
        "run kill-leader --readers.workers 13",
        "readers: 13 workers for 12 partitions: at most 12 would have something to do",
    ),
    "a cluster that is none": (
        "run steady-write --cluster locl",
        (
            "cluster 'locl' is none: write local, HOST:PORT[,HOST:PORT], a YAML file, or the name of one that `marathon "
            "kafka up` has started (none runs)"
        ),
    ),
    "no file of that name": ("run steady-write --cluster d.yaml", "cluster d.yaml: No such file or directory"),
    "a bench that is none": ("run steady-write --bench A", "bench 'A': 1 to 20 of a-z, 0-9 and _"),
}


@pytest.mark.parametrize(("given", "line"), FLAGS.values(), ids=FLAGS)
def test_what_cannot_be_run_as_asked_costs_a_line_or_two_and_makes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], given: str, line: str
) -> None:
    code = cli.run(shlex.split(given))
    said = "".join(f"marathon: {each}\n" for each in line.splitlines())
    assert (code, *capsys.readouterr()) == (2, "", said)
    assert left(folder) == set()


# --- A scenario that contradicts itself -------------------------------------------------------------------------------


class Mistake(NamedTuple):
    """Fields and promises beside those of `MINE`, and the line that they cost."""

    fields: str
    promises: str
    line: str


def about(promises: str, line: str) -> Mistake:
    return Mistake("", promises, line)


def having(fields: str, line: str) -> Mistake:
    return Mistake(fields, "return ()", line)


MISTAKES: Final = {
    "catching up without a group": about(
        'yield Drained("writers", within=9)', "writers are Producers, which have no group that could catch up"
    ),
    "a fleet that is not there": about(
        'yield Drained("reader", within=9)', "fleet reader is not declared: did you mean readers?"
    ),
    "a topic that is not there": about('yield Integrity("oders")', "topic oders is not declared: did you mean orders?"),
    "a misspelt word of a promise": about(
        'yield Latency("writers", below=1, of="respons")',
        "Latency.of 'respons': Input should be 'response' or 'end to end'; did you mean response?",
    ),
    "a misspelt option of a promise": about(
        'yield Latency("writers", below=1, percentil=9)',
        "Latency.percentil 9: Unexpected keyword argument; did you mean percentile?",
    ),
    "a limit that is missing": about('yield Latency("writers")', "Latency.below: Field required"),
    "a percentile that is none": about(
        'yield Latency("writers", below=1, percentile=101)',
        "Latency.percentile 101: Input should be less than or equal to 100",
    ),
    "both outside and inside": about(
        'yield Latency("writers", below=1, outside="faults", inside="faults")',
        "Latency: outside and inside faults: no round is both, name one of them",
    ),
    "faults where there are none": about(
        'yield WritableAgain("orders", within=9)',
        "WritableAgain is about faults, and the scenario has none: name those that it injects in suffers",
    ),
    "a rate that nobody asks for": about(
        'yield KeepsRate("writers", at_least="1001/s")',
        "writers: at least 1001 records/s are promised, and no more than 1k records/s are asked for",
    ),
    "a promise twice": about(
        'return 2 * [Drained("readers", within=9)]', "Drained(fleet='readers', within=9.0): it is promised twice"
    ),
    "what is no promise": about(
        "yield Integrity",
        "mine: promises <class 'marathon_ray.promises.integrity.Integrity'>, which is none: "
        "write one as Integrity('orders')",
    ),
    "no promises at all": about(
        "pass", "mine: its promises cannot be told: TypeError: 'NoneType' object is not iterable"
    ),
    "promises that fail": about(
        "return [1 / 0]", "mine: its promises cannot be told: ZeroDivisionError: division by zero (mine.py:13)"
    ),
    "keys for a compacted log": having(
        'bills: Topic = Topic(partitions=1, cleanup="compact")\nclerks: Producers = Producers(to="bills", rate="5/s")',
        "clerks: no keys, and cleanup compact of bills needs some: write uniform of 1000",
    ),
    "nobody who writes keys": having(
        'bills: Topic = Topic(partitions=1, cleanup="compact")',
        "bills: cleanup compact needs keys, and no Producers write to it",
    ),
    "a log that is gone before its second look": having(
        'bills: Topic = Topic(partitions=1, retention="10 s")',
        "auditors: its second look at bills comes after up to 27.5 s, but records are kept for 10 s",
    ),
    "a fleet in the auditors' place": having(
        'auditors: Producers = Producers(to="orders", rate="1/s")',
        "auditors: a fleet of that name audits orders in every run: name these Producers otherwise",
    ),
    "a name that no topic can have": having(
        "größe: Topic = Topic(partitions=1)",
        "topic 'größe': a name has ASCII letters, digits, '.', '_' and '-', and at least one of them",
    ),
    "a required field": having("must: int", "mine.must: Field required"),
    "a phase that cannot be awaited": having(
        "def warmup(self, kit): pass",
        "mine: its warmup cannot be awaited with a kit: write async def warmup(self, kit)",
    ),
    "a cleanup that cannot be awaited": having(
        "def cleanup(self, kit): pass",
        "mine: its cleanup cannot be awaited with a kit: write async def cleanup(self, kit)",
    ),
    "a phase without a kit": having(
        "async def warmup(self): pass",
        "mine: its warmup cannot be awaited with a kit: write async def warmup(self, kit)",
    ),
    "a fault without brackets": having(
        "suffers = Kill", "mine: suffers Kill: write the faults' classes in brackets, as (Kill,)"
    ),
    "a fault that is none": having("suffers = (Topic,)", "mine: suffers Topic: that is no fault's class, as Kill is"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_scenario_that_cannot_be_costs_a_line_and_makes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], mistake: Mistake
) -> None:
    before = put(folder, mine__py=mine(mistake.fields, mistake.promises))
    code = cli.run(["run", "./mine.py"])
    assert (code, *capsys.readouterr()) == (2, "", f"marathon: {mistake.line}\n")
    assert left(folder) == before


@pytest.mark.parametrize("mistake", [one for name, one in MISTAKES.items() if name != "a required field"])
def test_a_program_is_told_the_same(folder: Path, mistake: Mistake) -> None:
    before = put(folder, mine__py=mine(mistake.fields, mistake.promises))
    with pytest.raises(UsageError) as caught:
        asyncio.run(run(find("./mine.py")()))
    assert str(caught.value) == mistake.line
    assert left(folder) == before


# --- A user's own file ------------------------------------------------------------------------------------------------

HEAD: Final = "from marathon_ray import *\n\n\n"
FILES: Final = {
    "no Python": ("class Mine(\n", "{file}, line 1: SyntaxError: '(' was never closed (mine.py, line 1)"),
    "an import of nothing": (
        "import nowhere_such\n",
        "{file}, line 1: ModuleNotFoundError: No module named 'nowhere_such'",
    ),
    "a way out": ("import sys\nsys.exit(1)\n", "{file}, line 2: SystemExit: 1"),
    "a field that contradicts itself": (
        HEAD + "Topic(partitions=1, min_insync=4)\n",
        "{file}, line 4: Topic: min_insync 4 is more than the replication 3",
    ),
    "a misspelt field": (
        HEAD + 'Producers(to="orders", rat="5/s")\n',
        "{file}, line 4: Producers.rat '5/s': Extra inputs are not permitted; did you mean rate?",
    ),
    "nothing": ("", "mine.py: no scenario in it"),
    "a class that is no scenario": (
        "class Mine:\n    pass\n",
        "mine.py: no scenario in it",
    ),
    "no docstring": (
        mine().replace('"""It holds."""', ""),
        "mine: it has no docstring, whose first line says what it promises",
    ),
    "no workload": (
        mine().partition("    async def")[0],
        "mine: it has no workload: write async def workload(self, kit)",
    ),
    "no topic": (
        HEAD + 'class Mine(Scenario):\n    """It holds."""\n\n    async def workload(self, kit):\n        pass\n',
        "mine: it declares no topic, so there is nothing to lose",
    ),
    "a name that means an option": (
        mine("seed: int = 5"),
        "mine: field seed has the name of an option of marathon run: name it otherwise",
    ),
    "code of its own that fails": (
        mine("def model_post_init(self, _): raise LookupError('nobody')"),
        "{file}, line 10: LookupError: nobody",
    ),
}


@pytest.mark.parametrize(("text", "line"), FILES.values(), ids=FILES)
def test_a_file_of_ones_own_that_cannot_be_run_costs_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, line: str
) -> None:
    before = put(folder, mine__py=text)
    code = cli.run(["run", "./mine.py"])
    assert (code, *capsys.readouterr()) == (2, "", f"marathon: {line.format(file=folder / 'mine.py')}\n")
    assert left(folder) == before


def test_what_is_asked_for_by_name_and_is_no_scenario_is_told_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(folder, mine__py="class Mine:\n    pass\n")
    assert cli.run(["run", "./mine.py:Mine"]) == 2
    assert capsys.readouterr().err == "marathon: mine.py: Mine is no scenario: write class Mine(Scenario)\n"


# --- A cluster's file -------------------------------------------------------------------------------------------------

LOGIN: Final = "security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: u"
YAML: Final = {
    "an unknown key": ("bootstrp: a:1\n", "bootstrp: there is no such key; did you mean bootstrap?"),
    "an unknown key of a key": ("local: {node: 3}\n", "local node: there is no such key; did you mean nodes?"),
    "an unknown power": ("local: {}\nmay: [kil]\n", "may kil: there is no such power; did you mean kill?"),
    "a power without a list": ("local: {}\nmay: kill\n", "may: write a list, as [kill, stop, pause, upgrade]"),
    "a secret's file that is missing": (
        f"bootstrap: a:1\nproperties: {{{LOGIN}, sasl.password: {{file: pw.txt}}}}\n",
        "properties sasl.password: file pw.txt: No such file or directory",
    ),
    "a secret's variable that is missing": (
        f"bootstrap: a:1\nproperties: {{{LOGIN}, sasl.password: {{env: NO_SUCH_SECRET}}}}\n",
        "properties sasl.password: the environment has no NO_SUCH_SECRET, or an empty one",
    ),
    "a local one with properties": (
        "local: {}\nproperties: {client.rack: a}\n",
        "properties: a local cluster has its own",
    ),
}


@pytest.mark.parametrize(("text", "line"), YAML.values(), ids=YAML)
def test_a_mistake_in_a_clusters_file_costs_a_line_and_makes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, line: str
) -> None:
    before = put(folder, c__yaml=text)
    code = cli.run(["run", "steady-write", "--cluster", "c.yaml"])
    assert (code, *capsys.readouterr()) == (2, "", f"marathon: cluster c.yaml: {line}\n")
    assert left(folder) == before


def test_a_cluster_that_does_not_answer_leaves_no_folder(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marathon_ray.kafka.existing._WITHIN", 0.3)
    assert cli.run(["run", "steady-write", "--places", "here", "--cluster", "127.0.0.1:1"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("marathon: Kafka at 127.0.0.1:1 did not answer within 0.3 s: ")
    assert left(folder) == set()


# --- Faults that a cluster cannot suffer ------------------------------------------------------------------------------

SKIPPED: Final = {
    "somebody's": ("127.0.0.1:1", "a cluster that is made for the run can: --cluster local"),
    "ours, which may be paused": ("c.yaml", "allow it in c.yaml: may: [kill, pause]"),
}


@pytest.mark.parametrize(("cluster", "remedy"), SKIPPED.values(), ids=SKIPPED)
def test_a_fault_that_the_cluster_cannot_suffer_skips_the_run_before_anything_is_begun(
    folder: Path, capsys: pytest.CaptureFixture[str], cluster: str, remedy: str
) -> None:
    put(folder, c__yaml="local: {}\nmay: [pause]\n")
    code = cli.run(["run", "kill-leader", "--cluster", cluster])
    out = capsys.readouterr().out
    assert code == 5
    assert f"Kill: its nodes cannot be killed or started again; {remedy}" in out
    assert "report.html" not in out  # of a run that was none there is no page


# --- Where results go -------------------------------------------------------------------------------------------------


def full(patch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=7 << 20)
    patch.setattr(shutil, "disk_usage", lambda _: usage)


def forbidden(patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    patch.setattr(tempfile, "TemporaryFile", refuse)


def nothing(_: pytest.MonkeyPatch) -> None:
    """The names alone are wrong."""


RESULTS: Final = {
    "a file": (nothing, "taken", "results taken: File exists"),
    "below a file": (nothing, "taken/r", "results taken/r: Not a directory"),
    "not ours to write": (forbidden, "r/s", "results r/s: Permission denied"),
    "a full disk": (full, "r/s", "results r/s: 7 MiB are free, a run needs 64 MiB"),
}


@pytest.mark.parametrize(("obstacle", "results", "line"), RESULTS.values(), ids=RESULTS)
def test_results_that_cannot_be_written_cost_a_line_and_leave_nothing(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    obstacle: Callable[[pytest.MonkeyPatch], None],
    results: str,
    line: str,
) -> None:
    before = put(folder, taken="")
    obstacle(monkeypatch)
    code = cli.run(["run", "steady-write", "--results", results])
    assert (code, *capsys.readouterr()) == (2, "", f"marathon: {line}\n")
    assert left(folder) == before


# --- What only a program can ask --------------------------------------------------------------------------------------

ASKED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "a misspelt option": ({"clutser": "local"}, "option clutser is not known; did you mean cluster?"),
    "a place that is none": ({"places": "rya"}, "places 'rya' is not known; did you mean ray?"),
    "nodes that are none": ({"nodes": "spto"}, "nodes 'spto' is not known; did you mean spot?"),
    "nodes in this process": (
        {"places": "here", "nodes": "spot"},
        "nodes: workers in this process have none to choose; leave --places here out, or --nodes",
    ),
    "a seed that is none": ({"seed": "7"}, "seed '7': it is an integer, or None"),
    "prices that are none": ({"prices": {"spot": 3}}, "prices {'spot': 3}: they are marathon_ray.prices.Prices"),
    "an origin that is none": ({"origin": "me"}, "origin 'me': it is a marathon_ray.news.Origin"),
    "a bench that is none": ({"bench": "A"}, "bench 'A': 1 to 20 of a-z, 0-9 and _"),
    "a run's name that is none": ({"run": "mine"}, "run 'mine': eight hexadecimal digits"),
}


@pytest.mark.parametrize(("options", "line"), ASKED.values(), ids=ASKED)
def test_an_option_that_there_is_not_costs_a_program_a_line(folder: Path, options: dict[str, Any], line: str) -> None:
    with pytest.raises(UsageError) as caught:
        asyncio.run(run(find("kill-leader")(), **options))
    assert str(caught.value) == line
    assert left(folder) == set()


def test_a_class_is_no_scenario_to_run(folder: Path) -> None:
    scenario: Any = find("kill-leader")
    with pytest.raises(UsageError, match=r"^scenario KillLeader: that is no instance of a scenario: write KillLeader"):
        asyncio.run(run(scenario))


def test_a_cluster_that_is_none_costs_a_program_a_line(folder: Path) -> None:
    with pytest.raises(KafkaError, match=r"^cluster a:0: a port is a number from 1 to 65535$"):
        asyncio.run(run(find("steady-write")(), cluster="a:0"))
    assert left(folder) == set()
